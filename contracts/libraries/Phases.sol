// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Phase} from "../interfaces/ICAPVault.sol";

/// @title What the protocol's table asks of a phase
/// @dev Written as ranges: the phases are numbered in the order in which an order goes through them.
library Phases {
    /// @notice Whether the order's price is in the vault.
    function isFunded(Phase phase) internal pure returns (bool) {
        return phase >= Phase.LOCK && phase <= Phase.DISPUTE;
    }

    /// @notice Whether the order is over.
    function isFinal(Phase phase) internal pure returns (bool) {
        return phase >= Phase.CLEAR;
    }

    /// @notice Whether the order expires once its deadline has passed.
    function canExpire(Phase phase) internal pure returns (bool) {
        return phase == Phase.NEGOTIATION || phase == Phase.LOCK;
    }
}
