// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Phase} from "../interfaces/ICAPVault.sol";

/// @notice All that storage holds of one order, in one slot. From the high end:
/// deliverableHash, its first 25 bytes (200 bits) | since, unix seconds (40) | unused (6) | disputed (1) | approved (1) | phase (8).
/// @dev A Solidity struct does not fit: its two flags would take a byte each, 264 bits in all.
type OrderState is uint256;

using OrderStates for OrderState global;

/// @title Reads and moves the packed state of an order
library OrderStates {
    uint256 private constant APPROVED = 1 << 8;
    uint256 private constant DISPUTED = 1 << 9;
    uint256 private constant SINCE_SHIFT = 16;
    uint256 private constant HASH_PREFIX = type(uint256).max << 56;

    /// @notice Where the order stands.
    function phase(OrderState state) internal pure returns (Phase) {
        // forge-lint: disable-next-line(unsafe-typecast) -- the low 8 bits are the phase
        return Phase(uint8(OrderState.unwrap(state)));
    }

    /// @notice Whether the Approver has opened the delivery gate.
    function approved(OrderState state) internal pure returns (bool) {
        return OrderState.unwrap(state) & APPROVED != 0;
    }

    /// @notice Whether a party has disputed the order.
    function disputed(OrderState state) internal pure returns (bool) {
        return OrderState.unwrap(state) & DISPUTED != 0;
    }

    /// @notice When the current phase began, unix seconds.
    function since(OrderState state) internal pure returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast) -- cuts off the hash above
        return uint40(OrderState.unwrap(state) >> SINCE_SHIFT);
    }

    /// @notice The first 25 bytes of the deliverable's hash; 0 before delivery.
    function hashPrefix(OrderState state) internal pure returns (bytes25) {
        return bytes25(bytes32(OrderState.unwrap(state)));
    }

    /// @notice The part of a deliverable's hash that storage keeps: a second preimage of 200 bits is out of reach.
    function prefix(bytes32 deliverableHash) internal pure returns (bytes25) {
        // forge-lint: disable-next-line(unsafe-typecast) -- cutting off is the purpose
        return bytes25(deliverableHash);
    }

    /// @notice The state after the order enters `next` now; flags and hash stay.
    function enter(OrderState state, Phase next) internal view returns (OrderState) {
        uint256 kept = OrderState.unwrap(state) & (HASH_PREFIX | APPROVED | DISPUTED);
        // The timestamp fits 40 bits until the year 36812.
        return OrderState.wrap(kept | (block.timestamp << SINCE_SHIFT) | uint256(next));
    }

    /// @notice The state with the deliverable's hash recorded; there must be none yet.
    function record(OrderState state, bytes32 deliverableHash) internal pure returns (OrderState) {
        return OrderState.wrap(OrderState.unwrap(state) | (uint256(deliverableHash) & HASH_PREFIX));
    }

    /// @notice The state with the delivery gate open.
    function approve(OrderState state) internal pure returns (OrderState) {
        return OrderState.wrap(OrderState.unwrap(state) | APPROVED);
    }

    /// @notice The state with a dispute opened.
    function dispute(OrderState state) internal pure returns (OrderState) {
        return OrderState.wrap(OrderState.unwrap(state) | DISPUTED);
    }
}
