// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract DeliverOrderTest is VaultTest {
    function testFuzz_revert_zeroPrefix(Order memory seed, uint56 tail) public {
        Order memory order = validOrder(seed);
        // Before the phase: the order does not even exist.
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "deliverableHash"));
        vm.prank(provider);
        vault.deliverOrder(order, bytes32(uint256(tail)));
    }

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = validOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.LOCK);
        bytes32 orderId = bring(order, phase);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vm.prank(provider);
        vault.deliverOrder(order, DELIVERABLE);
    }

    function testFuzz_revert_caller(Order memory seed, address caller) public {
        vm.assume(caller != provider);
        Order memory order = validOrder(seed);
        bring(order, Phase.LOCK);
        // Before the deadline, which has passed too.
        vm.warp(START + order.slaSeconds + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.deliverOrder(order, DELIVERABLE);
    }

    function testFuzz_deadline(Order memory seed, uint256 paidAt) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = create(order);
        paidAt = bound(paidAt, START, order.payDeadline);
        vm.warp(paidAt);
        pay(order);
        uint256 deadline = paidAt + order.slaSeconds;

        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        vm.prank(provider);
        vault.deliverOrder(order, DELIVERABLE);

        vm.warp(deadline);
        deliver(order);
        assertEntered(orderId, Phase.CLEAR, DELIVERABLE);
    }

    function testFuzz_settles(Order memory seed, bytes32 deliverableHash, uint256 elapsed, uint120 others) public {
        vm.assume(bytes25(deliverableHash) != 0);
        Order memory order = validOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        token.mint(address(vault), others);
        vm.warp(START + bound(elapsed, 0, order.slaSeconds));
        uint256 toProvider = order.amount - fee(order);

        vm.expectEmit(address(vault));
        emit ICAPVault.OrderDelivered(orderId, deliverableHash, 0);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderCleared(orderId, toProvider, 0, fee(order), 0);
        vm.prank(provider);
        vault.deliverOrder(order, deliverableHash);

        assertEntered(orderId, Phase.CLEAR, deliverableHash);
        vm.assertEq(token.balanceOf(provider), toProvider, "provider");
        vm.assertEq(accruedFees(), fee(order), "fee");
        vm.assertEq(token.balanceOf(address(vault)), uint256(others) + fee(order), "vault");
        vm.assertEq(token.balanceOf(requester), 0, "requester");
        vm.assertEq(vault.claimable(address(token), provider), 0, "claimable");
    }

    /// @dev What rounds to nothing is nothing: the Provider gets all of it.
    function testFuzz_dustPaysNoFee(Order memory seed, uint16 feeBps) public {
        Order memory order = validOrder(seed);
        order.feeBps = uint16(bound(feeBps, MIN_FEE_BPS, 1000));
        order.amount = uint120(9999 / uint256(order.feeBps));
        bring(order, Phase.CLEAR);
        vm.assertEq(token.balanceOf(provider), order.amount, "provider");
        vm.assertEq(accruedFees(), 0, "fee");
    }

    function testFuzz_feesAddUp(Order memory seed, uint120 amount) public {
        Order memory first = validOrder(seed);
        bring(first, Phase.CLEAR);
        Order memory second = validOrder(abi.decode(abi.encode(seed), (Order)));
        second.salt ^= 1;
        second.amount = uint120(bound(amount, 1, type(uint120).max));
        bring(second, Phase.CLEAR);
        vm.assertEq(accruedFees(), fee(first) + fee(second), "fees");
        vm.assertEq(token.balanceOf(address(vault)), fee(first) + fee(second), "vault");
    }

    function testFuzz_ownerChangesDoNotReachIt(Order memory seed, bool enabled, uint16 minFeeBps) public {
        Order memory order = validOrder(seed);
        bring(order, Phase.LOCK);
        vm.prank(owner);
        vault.setToken(address(token), enabled, uint16(bound(minFeeBps, 0, 1000)));
        vm.prank(owner);
        vault.setTreasury(stranger);
        deliver(order);
        vm.assertEq(token.balanceOf(provider), order.amount - fee(order), "provider");
        vm.assertEq(accruedFees(), fee(order), "fee");
    }

    function testFuzz_deniedTreasuryDoesNotBlockIt(Order memory seed) public {
        Order memory order = validOrder(seed);
        bring(order, Phase.LOCK);
        token.setDenied(treasury, true);
        deliver(order);
        vm.assertEq(token.balanceOf(provider), order.amount - fee(order), "provider");
    }
}
