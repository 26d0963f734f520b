// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MockToken} from "./MockToken.sol";

/// @notice Accepts calls that it does not know, and does nothing: WETH's fallback is a deposit.
contract MockWETH is MockToken {
    receive() external payable {}

    fallback() external payable {}
}
