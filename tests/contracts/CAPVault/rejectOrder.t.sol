// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract RejectOrderTest is VaultTest {
    /* ORDER OF CHECKS */

    function testFuzz_revert_phaseThenCaller(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        Phase phase = Phase(bound(phaseSeed, uint256(Phase.CLEAR), uint256(Phase.EXPIRED)));
        bytes32 orderId = bring(order, phase);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vm.prank(stranger);
        vault.rejectOrder(order, REASON);
    }

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed, uint256 which) public {
        Order memory order = anyOrder(seed);
        Phase phase = Phase(bound(phaseSeed, uint256(Phase.CLEAR), uint256(Phase.EXPIRED)));
        bytes32 orderId = bring(order, phase);
        address[4] memory callers = [requester, provider, approver, arbiter];
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vm.prank(callers[bound(which, 0, 3)]);
        vault.rejectOrder(order, REASON);
    }

    /* CALLER */

    function testFuzz_revert_callerIsNobody(Order memory seed, uint256 phaseSeed, address caller, uint256 which)
        public
    {
        address[4] memory others = [arbiter, commissionTo, owner, caller];
        caller = others[bound(which, 0, 3)];
        // No transaction comes from 0, which is the approver where there is none.
        vm.assume(caller != requester && caller != provider && caller != approver && caller != address(0));
        Order memory order = anyOrder(seed);
        expectUnauthorized(order, openPhase(order, phaseSeed), caller);
    }

    function testFuzz_revert_requesterOncePaid(Order memory seed, uint256 phaseSeed, uint40 later) public {
        Order memory order = anyOrder(seed);
        Phase phase = openPhase(order, phaseSeed);
        vm.assume(phase >= Phase.LOCK);
        bytes32 orderId = bring(order, phase);
        vm.warp(START + later);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, requester));
        vm.prank(requester);
        vault.rejectOrder(order, REASON);
        assertPhase(orderId, phase);
        assertMoney(Holdings({held: order.amount, toProvider: 0, toRequester: 0, fee: 0, commission: 0}));
    }

    /// @dev An Approver who is not named is a stranger.
    function testFuzz_revert_approverOfAnotherOrder(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        order.approver = address(0);
        expectUnauthorized(order, openPhase(order, phaseSeed), approver);
    }

    /// @dev It has no consent of its own to cancel, and nothing to stop once the order is delivered.
    function testFuzz_revert_approverBeforeCreationOrAfterDelivery(Order memory seed, uint256 phaseSeed) public {
        Order memory order = gatedOrder(seed);
        Phase phase = openPhase(order, phaseSeed);
        vm.assume(phase != Phase.NEGOTIATION && phase != Phase.LOCK);
        expectUnauthorized(order, phase, approver);
    }

    function testFuzz_revert_approverOnceApproved(Order memory seed, bool paid) public {
        Order memory order = gatedOrder(seed);
        bytes32 orderId = bring(order, paid ? Phase.LOCK : Phase.NEGOTIATION);
        approve(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, approver));
        vm.prank(approver);
        vault.rejectOrder(order, REASON);
        assertPhase(orderId, paid ? Phase.LOCK : Phase.NEGOTIATION);
    }

    /* UNPAID */

    /// @dev Terms are not asked: what could never be created may be cancelled all the same.
    function testFuzz_cancelsAConsent(Order memory order, bytes32 reasonHash, bool byRequester, uint32 later) public {
        vm.assume(order.requester != address(0) && order.provider != address(0));
        vm.warp(START + later);
        expectRejected(order, byRequester ? order.requester : order.provider, reasonHash, 0);
        assertEntered(vault.hashOrder(order), Phase.REJECTED, 0);
    }

    function testFuzz_unpaid(Order memory seed, bytes32 reasonHash, uint256 which, uint32 later) public {
        Order memory order = gatedOrder(seed);
        create(order);
        token.mint(requester, order.amount);
        vm.warp(START + later); // a concession has no deadline
        address[3] memory callers = [requester, provider, approver];
        bytes32 orderId = expectRejected(order, callers[bound(which, 0, 2)], reasonHash, 0);
        assertEntered(orderId, Phase.REJECTED, 0);
        assertRefunded(order, 0);
    }

    function testFuzz_unpaidButApproved(Order memory seed, bool byRequester) public {
        Order memory order = gatedOrder(seed);
        create(order);
        approve(order);
        bytes32 orderId = expectRejected(order, byRequester ? requester : provider, REASON, 0);
        assertState(orderId, Phase.REJECTED, true, false, START, 0);
    }

    /* PAID */

    function testFuzz_paid(Order memory seed, uint256 phaseSeed, bytes32 reasonHash, uint32 later, uint120 others)
        public
    {
        Order memory order = anyOrder(seed);
        Phase phase = openPhase(order, phaseSeed);
        vm.assume(phase >= Phase.LOCK);
        bring(order, phase);
        token.mint(address(vault), others);
        vm.warp(START + later);
        bytes32 orderId = expectRejected(order, provider, reasonHash, order.amount);
        assertState(
            orderId,
            Phase.REJECTED,
            phase != Phase.LOCK && order.approver != address(0),
            phase == Phase.DISPUTE,
            START + later,
            phase == Phase.LOCK ? bytes32(0) : DELIVERABLE
        );
        assertRefunded(order, others);
    }

    function testFuzz_paidByApprover(Order memory seed, bytes32 reasonHash, uint32 later, bool flagged) public {
        Order memory order = gatedOrder(seed);
        flagged = flagged && order.arbiter != address(0);
        bring(order, Phase.LOCK);
        if (flagged) dispute(order);
        vm.warp(START + later);
        bytes32 orderId = expectRejected(order, approver, reasonHash, order.amount);
        assertState(orderId, Phase.REJECTED, false, flagged, START + later, 0);
        assertRefunded(order, 0);
    }

    /* HELPERS */

    /// @dev A phase that is not final.
    function openPhase(Order memory order, uint256 phaseSeed) private pure returns (Phase) {
        return Phase(bound(phaseSeed, 0, uint256(order.reviewSeconds == 0 ? Phase.LOCK : Phase.DISPUTE)));
    }

    function expectUnauthorized(Order memory order, Phase phase, address caller) private {
        bytes32 orderId = bring(order, phase);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.rejectOrder(order, REASON);
        assertPhase(orderId, phase);
    }

    function expectRejected(Order memory order, address by, bytes32 reasonHash, uint256 refund)
        private
        returns (bytes32 orderId)
    {
        orderId = vault.hashOrder(order);
        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderRejected(orderId, by, reasonHash, refund);
        if (refund != 0) expectTransfer(address(vault), requester, refund);
        vm.prank(by);
        vault.rejectOrder(order, reasonHash);
        vm.assertEq(logCount(), refund == 0 ? 1 : 2, "logs");
    }

    function assertRefunded(Order memory order, uint256 others) private view {
        assertMoney(Holdings({held: others, toProvider: 0, toRequester: order.amount, fee: 0, commission: 0}));
    }
}
