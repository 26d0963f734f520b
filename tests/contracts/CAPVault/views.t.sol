// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {OrderHash} from "../../../contracts/libraries/OrderHash.sol";
import {VaultTest} from "./VaultTest.sol";

contract ViewsTest is VaultTest {
    function testFuzz_hashOrder_isTheEip712Digest(Order memory order) public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("CAPVault"),
                keccak256("1"),
                block.chainid,
                address(vault)
            )
        );
        bytes32 structHash = keccak256(abi.encode(OrderHash.TYPEHASH, order));
        vm.assertEq(vault.hashOrder(order), keccak256(abi.encodePacked(hex"1901", domain, structHash)), "digest");
    }

    function testFuzz_hashOrder_coversEveryMember(Order memory order, uint256 member) public view {
        bytes32 before = vault.hashOrder(order);
        member = bound(member, 0, 13);
        // The lowest bit of a member, in memory where each takes a word.
        assembly ("memory-safe") {
            let at := add(order, mul(member, 0x20))
            mstore(at, xor(mload(at), 1))
        }
        vm.assertNotEq(vault.hashOrder(order), before, "digest");
    }

    function testFuzz_orderState_unknown(bytes32 orderId) public view {
        (Phase phase, bool approved, bool disputed, uint40 since, bytes25 hashPrefix) = vault.orderState(orderId);
        vm.assertEq(uint256(phase), uint256(Phase.NONE), "phase");
        vm.assertFalse(approved, "approved");
        vm.assertFalse(disputed, "disputed");
        vm.assertEq(since, 0, "since");
        vm.assertEq(bytes32(hashPrefix), 0, "hashPrefix");
    }

    function testFuzz_isDelivered_notYet(Order memory seed, uint256 phaseSeed, bytes32 hash, uint56 tail) public {
        Order memory order = anyOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase < Phase.DELIVER || phase > Phase.CLEAR);
        bytes32 orderId = bring(order, phase);
        vm.assertFalse(vault.isDelivered(orderId, hash), "any hash");
        vm.assertFalse(vault.isDelivered(orderId, bytes32(uint256(tail))), "zero prefix");
    }

    function testFuzz_isDelivered_everAfter(Order memory seed, uint256 phaseSeed) public {
        Order memory order = reviewedOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase >= Phase.DELIVER && phase <= Phase.CLEAR);
        bytes32 orderId = bring(order, Phase.DELIVER);
        if (phase == Phase.DISPUTE) dispute(order);
        if (phase == Phase.CLEAR) release(order);
        vm.assertTrue(vault.isDelivered(orderId, DELIVERABLE), "isDelivered");
        vm.prank(provider);
        (bool rejected,) = address(vault).call(abi.encodeCall(vault.rejectOrder, (order, REASON)));
        vm.assertEq(rejected, phase != Phase.CLEAR, "rejected");
        vm.assertTrue(vault.isDelivered(orderId, DELIVERABLE), "rejected after delivery");
    }

    function testFuzz_isDelivered(Order memory seed, bytes32 hash, bytes32 other, uint56 tail) public {
        vm.assume(bytes25(hash) != 0 && bytes25(other) != bytes25(hash));
        Order memory order = validOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        vm.prank(provider);
        vault.deliverOrder(order, hash);
        vm.assertTrue(vault.isDelivered(orderId, hash), "hash");
        vm.assertTrue(vault.isDelivered(orderId, bytes32(bytes25(hash)) | bytes32(uint256(tail))), "same prefix");
        vm.assertFalse(vault.isDelivered(orderId, other), "other");
        vm.assertFalse(vault.isDelivered(orderId, bytes32(uint256(tail))), "zero prefix");
    }
}
