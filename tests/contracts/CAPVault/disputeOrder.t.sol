// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract DisputeOrderTest is VaultTest {
    /* ORDER OF CHECKS */

    /// @dev Each call breaks all that the next ones do.
    function testFuzz_revert_termsThenPhaseThenCallerThenDeadlineThenFlag(Order memory seed) public {
        Order memory order = reviewedOrder(seed);
        Order memory unreviewed = sibling(order);
        (unreviewed.arbiter, unreviewed.reviewSeconds) = (address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "arbiter"));
        vault.disputeOrder(unreviewed, REASON);

        bytes32 orderId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.NONE));
        vault.disputeOrder(order, REASON);

        bring(order, Phase.LOCK);
        dispute(order);
        uint256 deadline = START + order.slaSeconds;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, address(this)));
        vault.disputeOrder(order, REASON);

        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        dispute(order);

        vm.warp(deadline);
        vm.expectRevert(ICAPVault.AlreadyDisputed.selector);
        dispute(order);
    }

    function testFuzz_revert_noArbiter(Order memory seed, uint256 phaseSeed, bool byRequester) public {
        Order memory order = unreviewedOrder(seed);
        bring(order, reachablePhase(order, phaseSeed));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "arbiter"));
        vm.prank(byRequester ? requester : provider);
        vault.disputeOrder(order, REASON);
    }

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed, bool byRequester) public {
        Order memory order = reviewedOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.LOCK && phase != Phase.DELIVER);
        bytes32 orderId = bring(order, phase);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vm.prank(byRequester ? requester : provider);
        vault.disputeOrder(order, REASON);
    }

    /* LOCK */

    function testFuzz_revert_lockByOthers(Order memory seed, address caller, uint256 which) public {
        address[5] memory others = [arbiter, approver, commissionTo, owner, caller];
        caller = others[bound(which, 0, 4)];
        vm.assume(caller != requester && caller != provider);
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.disputeOrder(order, REASON);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    function testFuzz_lockDeadline(Order memory seed, uint256 paidAt, bool byRequester) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = create(order);
        paidAt = bound(paidAt, START, order.payDeadline);
        vm.warp(paidAt);
        pay(order);
        uint256 deadline = paidAt + order.slaSeconds;
        address by = byRequester ? requester : provider;

        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        vm.prank(by);
        vault.disputeOrder(order, REASON);

        vm.warp(deadline);
        vm.prank(by);
        vault.disputeOrder(order, REASON);
        assertState(orderId, Phase.LOCK, false, true, paidAt, 0);
    }

    function testFuzz_revert_lockTwice(Order memory seed, bool firstByRequester, bool thenByRequester) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        vm.prank(firstByRequester ? requester : provider);
        vault.disputeOrder(order, REASON);
        vm.expectRevert(ICAPVault.AlreadyDisputed.selector);
        vm.prank(thenByRequester ? requester : provider);
        vault.disputeOrder(order, REASON);
        assertState(orderId, Phase.LOCK, false, true, START, 0);
    }

    function testFuzz_lockIsFlagged(
        Order memory seed,
        bytes32 reasonHash,
        uint256 elapsed,
        bool byRequester,
        bool isApproved
    ) public {
        Order memory order = reviewedOrder(seed);
        isApproved = isApproved && order.approver != address(0);
        bytes32 orderId = bring(order, Phase.LOCK);
        if (isApproved) approve(order);
        vm.warp(START + bound(elapsed, 0, order.slaSeconds));
        address by = byRequester ? requester : provider;

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderDisputed(orderId, by, reasonHash, START + order.slaSeconds);
        vm.prank(by);
        vault.disputeOrder(order, reasonHash);

        vm.assertEq(logCount(), 1, "logs");
        assertState(orderId, Phase.LOCK, isApproved, true, START, 0);
        assertHeld(order);
    }

    /// @dev The flag freezes nothing: whoever could deliver, reject or expire, can.
    function testFuzz_lockGoesOn(Order memory seed) public {
        Order memory order = reviewedOrder(seed);
        bring(order, Phase.LOCK);
        dispute(order);
        if (order.approver != address(0)) approve(order);
        uint256 deadline = START + order.slaSeconds;
        vm.warp(deadline);
        vm.assertTrue(possible(provider, abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE))), "deliver");
        vm.assertTrue(possible(provider, abi.encodeCall(vault.rejectOrder, (order, REASON))), "reject");
        vm.assertTrue(possible(requester, abi.encodeCall(vault.releaseOrder, (order))), "release");
        vm.warp(deadline + 1);
        vm.assertTrue(possible(stranger, abi.encodeCall(vault.expireOrder, (order))), "expire");
    }

    /* DELIVER */

    function testFuzz_revert_deliverByOthers(Order memory seed, address caller, uint256 which, bool late) public {
        address[6] memory others = [provider, arbiter, approver, commissionTo, owner, caller];
        caller = others[bound(which, 0, 5)];
        vm.assume(caller != requester);
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.DELIVER);
        if (late) vm.warp(START + order.reviewSeconds + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.disputeOrder(order, REASON);
        assertPhase(orderId, Phase.DELIVER);
    }

    function testFuzz_deliverDeadline(Order memory seed, uint256 deliveredAt) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        deliveredAt = bound(deliveredAt, START, START + order.slaSeconds);
        vm.warp(deliveredAt);
        if (order.approver != address(0)) approve(order);
        deliver(order);
        uint256 deadline = deliveredAt + order.reviewSeconds;

        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        dispute(order);

        vm.warp(deadline);
        dispute(order);
        assertState(orderId, Phase.DISPUTE, order.approver != address(0), true, deadline, DELIVERABLE);
    }

    /// @dev The flag from before delivery, whoever set it, does not keep the Requester from disputing what was delivered.
    function testFuzz_deliverIsFrozen(
        Order memory seed,
        bytes32 reasonHash,
        uint256 elapsed,
        bool flagged,
        bool byRequester
    ) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        if (flagged) {
            vm.prank(byRequester ? requester : provider);
            vault.disputeOrder(order, REASON);
        }
        if (order.approver != address(0)) approve(order);
        deliver(order);
        vm.warp(START + bound(elapsed, 0, order.reviewSeconds));

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderDisputed(orderId, requester, reasonHash, vm.getBlockTimestamp() + 30 days);
        vm.prank(requester);
        vault.disputeOrder(order, reasonHash);

        vm.assertEq(logCount(), 1, "logs");
        assertState(orderId, Phase.DISPUTE, order.approver != address(0), true, vm.getBlockTimestamp(), DELIVERABLE);
        assertHeld(order);
    }

    /// @dev The end of the review releases nothing any more.
    function testFuzz_deliverTimedReleaseStops(Order memory seed) public {
        Order memory order = reviewedOrder(seed);
        bring(order, Phase.DELIVER);
        uint256 reviewDeadline = START + order.reviewSeconds;
        vm.warp(reviewDeadline);
        dispute(order);
        vm.warp(reviewDeadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooEarly.selector, reviewDeadline + 30 days));
        vault.releaseOrder(order);
        bytes32 orderId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.DISPUTE));
        vault.expireOrder(order);
    }

    /* HELPERS */

    function assertHeld(Order memory order) private view {
        assertMoney(Holdings({held: order.amount, toProvider: 0, toRequester: 0, fee: 0, commission: 0}));
    }
}
