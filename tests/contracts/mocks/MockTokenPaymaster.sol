// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPaymaster} from "@account-abstraction/contracts/interfaces/IPaymaster.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice What every ERC-20 paymaster does: takes the price of the gas in tokens from the sender, by an allowance.
contract MockTokenPaymaster is IPaymaster {
    /// @dev 1000 tokens of 6 decimals per ETH.
    uint256 private constant WEI_PER_UNIT = 1e9;

    IERC20 private immutable _token;

    error TokenRefused();

    constructor(IERC20 token) {
        _token = token;
    }

    function validatePaymasterUserOp(PackedUserOperation calldata op, bytes32, uint256 maxCost)
        external
        returns (bytes memory context, uint256 validationData)
    {
        if (!_token.transferFrom(op.sender, address(this), maxCost / WEI_PER_UNIT)) revert TokenRefused();
        return ("", 0);
    }

    /// @dev The EntryPoint never calls it: validation gives no context.
    function postOp(PostOpMode, bytes calldata, uint256, uint256) external pure {}
}
