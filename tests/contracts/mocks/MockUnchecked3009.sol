// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MockToken} from "./MockToken.sol";

/// @notice Takes any authorization as given, and otherwise behaves as badly as a MockToken.
contract MockUnchecked3009 is MockToken {
    function receiveWithAuthorization(address from, address to, uint256 value, uint256, uint256, bytes32, bytes memory)
        external
    {
        _transfer(from, to, value);
    }
}
