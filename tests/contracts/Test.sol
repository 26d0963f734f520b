// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Vm} from "./Vm.sol";

/// @notice What every test contract needs: the cheatcodes.
abstract contract Test {
    // keccak256("hevm cheat code"), cut to an address.
    // solhint-disable-next-line const-name-snakecase
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    /// @dev Maps any fuzzed value into [min, max]; values already inside stay, so that edge cases found by the fuzzer survive.
    function bound(uint256 value, uint256 min, uint256 max) internal pure returns (uint256) {
        if (value >= min && value <= max) return value;
        if (max - min == type(uint256).max) return value;
        return min + value % (max - min + 1);
    }
}
