// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {OrderState} from "../../../contracts/libraries/OrderState.sol";
import {Test} from "../Test.sol";

/// @notice The packed word: each change writes its own fields and keeps every other. The model checker has no answer for shifts of 256 bits.
contract OrderStateTest is Test {
    struct Fields {
        Phase phase;
        bool approved;
        bool disputed;
        uint40 since;
        bytes25 hashPrefix;
    }

    function testFuzz_enter(uint256 seed, uint8 next, uint40 time) public {
        (OrderState state, Fields memory fields) = _any(seed);
        vm.warp(time);
        fields.phase = Phase(next % 8);
        fields.since = time;
        _same(state.enter(fields.phase), fields);
    }

    function testFuzz_approve(uint256 seed) public pure {
        (OrderState state, Fields memory fields) = _any(seed);
        fields.approved = true;
        _same(state.approve(), fields);
    }

    function testFuzz_dispute(uint256 seed) public pure {
        (OrderState state, Fields memory fields) = _any(seed);
        fields.disputed = true;
        _same(state.dispute(), fields);
    }

    function testFuzz_record(uint256 seed, bytes32 deliverableHash) public pure {
        (OrderState state, Fields memory fields) = _any(uint56(seed)); // none is recorded yet
        fields.hashPrefix = bytes25(deliverableHash);
        _same(state.record(deliverableHash), fields);
    }

    /// @dev Any word that the vault can have written, and its fields by the layout that is documented.
    function _any(uint256 seed) private pure returns (OrderState, Fields memory) {
        uint256 word = seed & ~uint256(0xfcf8); // six bits are unused, and there are eight phases
        return (
            OrderState.wrap(word),
            Fields(Phase(word & 7), word >> 8 & 1 == 1, word >> 9 & 1 == 1, uint40(word >> 16), bytes25(bytes32(word)))
        );
    }

    function _same(OrderState state, Fields memory fields) private pure {
        vm.assertEq(uint256(state.phase()), uint256(fields.phase), "phase");
        vm.assertEq(state.approved(), fields.approved, "approved");
        vm.assertEq(state.disputed(), fields.disputed, "disputed");
        vm.assertEq(state.since(), fields.since, "since");
        vm.assertEq(bytes32(state.hashPrefix()), bytes32(fields.hashPrefix), "hashPrefix");
        vm.assertEq(OrderState.unwrap(state) & 0xfcf8, 0, "unused bits");
    }
}
