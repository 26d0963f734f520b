// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract ReleaseOrderTest is VaultTest {
    /* ORDER OF CHECKS */

    /// @dev Each call breaks all that the next ones do.
    function testFuzz_revert_termsThenPhaseThenCallerThenApproval(Order memory seed) public {
        Order memory order = gatedReviewedOrder(seed);
        Order memory unreviewed = sibling(order);
        (unreviewed.arbiter, unreviewed.reviewSeconds) = (address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "reviewSeconds"));
        vault.releaseOrder(unreviewed);

        bytes32 orderId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.NONE));
        vault.releaseOrder(order);

        bring(order, Phase.LOCK);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, address(this)));
        vault.releaseOrder(order);

        vm.expectRevert(ICAPVault.NotApproved.selector);
        release(order);
    }

    function testFuzz_revert_noReview(Order memory seed, uint256 phaseSeed, address caller) public {
        Order memory order = unreviewedOrder(seed);
        bring(order, reachablePhase(order, phaseSeed));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "reviewSeconds"));
        vm.prank(caller);
        vault.releaseOrder(order);
    }

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed, bool byRequester) public {
        Order memory order = reviewedOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase < Phase.LOCK || phase > Phase.DISPUTE);
        bytes32 orderId = bring(order, phase);
        vm.warp(START + 1000 days); // past every deadline
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vm.prank(byRequester ? requester : stranger);
        vault.releaseOrder(order);
    }

    /* LOCK */

    function testFuzz_revert_lockByOthers(Order memory seed, address caller, uint256 which, uint40 later) public {
        address[6] memory others = [provider, arbiter, approver, commissionTo, owner, caller];
        caller = others[bound(which, 0, 5)];
        vm.assume(caller != requester);
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        vm.warp(START + later);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.releaseOrder(order);
        assertPhase(orderId, Phase.LOCK);
    }

    function testFuzz_revert_lockNotApproved(Order memory seed) public {
        Order memory order = gatedReviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        vm.expectRevert(ICAPVault.NotApproved.selector);
        release(order);
        approve(order);
        release(order);
        assertState(orderId, Phase.CLEAR, true, false, START, 0);
    }

    /// @dev A concession has no deadline: not even the end of the SLA.
    function testFuzz_lockByRequester(Order memory seed, uint32 later, bool isDisputed, uint120 others) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        bool isApproved = order.approver != address(0);
        if (isApproved) approve(order);
        if (isDisputed) dispute(order);
        token.mint(address(vault), others);
        vm.warp(START + later);
        expectReleased(order, orderId, requester, others);
        assertState(orderId, Phase.CLEAR, isApproved, isDisputed, START + later, 0);
    }

    /* DELIVER AND DISPUTE */

    function testFuzz_byRequesterAtAnyTime(Order memory seed, bool isDisputed, uint32 later) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, isDisputed ? Phase.DISPUTE : Phase.DELIVER);
        vm.warp(START + later);
        expectReleased(order, orderId, requester, 0);
        assertState(orderId, Phase.CLEAR, order.approver != address(0), isDisputed, START + later, DELIVERABLE);
    }

    function testFuzz_anyoneAfterReview(Order memory seed, address caller, uint256 deliveredAt, bool flagged) public {
        vm.assume(caller != requester);
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        if (flagged) dispute(order);
        deliveredAt = bound(deliveredAt, START, START + order.slaSeconds);
        vm.warp(deliveredAt);
        if (order.approver != address(0)) approve(order);
        deliver(order);
        uint256 deadline = deliveredAt + order.reviewSeconds;

        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooEarly.selector, deadline));
        vm.prank(caller);
        vault.releaseOrder(order);

        vm.warp(deadline + 1);
        expectReleased(order, orderId, caller, 0);
        assertState(orderId, Phase.CLEAR, order.approver != address(0), flagged, deadline + 1, DELIVERABLE);
    }

    function testFuzz_anyoneAfterTheArbitersSilence(Order memory seed, address caller, uint256 disputedAt) public {
        vm.assume(caller != requester);
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.DELIVER);
        disputedAt = bound(disputedAt, START, START + order.reviewSeconds);
        vm.warp(disputedAt);
        dispute(order);
        uint256 deadline = disputedAt + 30 days;

        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooEarly.selector, deadline));
        vm.prank(caller);
        vault.releaseOrder(order);

        vm.warp(deadline + 1);
        expectReleased(order, orderId, caller, 0);
        assertState(orderId, Phase.CLEAR, order.approver != address(0), true, deadline + 1, DELIVERABLE);
    }

    function testFuzz_ownerChangesDoNotReachIt(Order memory seed, bool enabled, uint16 minFeeBps) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.DELIVER);
        vm.prank(owner);
        vault.setToken(address(token), enabled, uint16(bound(minFeeBps, 0, 1000)));
        vm.prank(owner);
        vault.setTreasury(owner);
        expectReleased(order, orderId, requester, 0);
    }

    /* HELPERS */

    function gatedReviewedOrder(Order memory seed) private view returns (Order memory order) {
        order = reviewedOrder(seed);
        order.approver = approver;
    }

    function expectReleased(Order memory order, bytes32 orderId, address caller, uint256 others) private {
        vm.recordLogs();
        expectSettlement(order, orderId, order.amount);
        vm.prank(caller);
        vault.releaseOrder(order);
        Holdings memory money = settled(order, order.amount);
        vm.assertEq(logCount(), settlementLogs(money), "logs");
        money.held = others;
        assertMoney(money);
    }
}
