// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault} from "../../../contracts/interfaces/ICAPVault.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";

/// @notice All functions of the vault, so that tests need not import, and forge not compile with them, the vault itself.
interface IVault is ICAPVault, IERC5267 {
    function push(address token, address to, uint256 amount) external;
    function owner() external view returns (address);
    function pendingOwner() external view returns (address);
    function renounceOwnership() external;
    function transferOwnership(address newOwner) external;
    function acceptOwnership() external;
}
