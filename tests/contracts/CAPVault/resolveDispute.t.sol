// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract ResolveDisputeTest is VaultTest {
    /* ORDER OF CHECKS */

    /// @dev Each call breaks all that the next ones do.
    function testFuzz_revert_termsThenPhaseThenCallerThenDeadlineThenFlagThenApproval(Order memory seed) public {
        Order memory order = reviewedOrder(seed);
        order.approver = approver;
        Order memory unreviewed = sibling(order);
        (unreviewed.arbiter, unreviewed.reviewSeconds) = (address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "arbiter"));
        vault.resolveDispute(unreviewed, type(uint256).max, REASON);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "providerPart"));
        vault.resolveDispute(order, uint256(order.amount) + 1, REASON);

        bytes32 orderId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.NONE));
        vault.resolveDispute(order, order.amount, REASON);

        bring(order, Phase.LOCK);
        uint256 deadline = START + order.slaSeconds;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, address(this)));
        vault.resolveDispute(order, order.amount, REASON);

        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        resolve(order, order.amount);

        vm.warp(deadline);
        vm.expectRevert(ICAPVault.NotDisputed.selector);
        resolve(order, order.amount);

        dispute(order);
        vm.expectRevert(ICAPVault.NotApproved.selector);
        resolve(order, order.amount);
    }

    function testFuzz_revert_noArbiter(Order memory seed, uint256 phaseSeed, uint256 part, address caller) public {
        Order memory order = unreviewedOrder(seed);
        bring(order, reachablePhase(order, phaseSeed));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "arbiter"));
        vm.prank(caller);
        vault.resolveDispute(order, part, REASON);
    }

    function testFuzz_revert_moreThanThePrice(Order memory seed, uint256 part) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.DISPUTE);
        token.mint(address(vault), order.amount); // it could pay
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "providerPart"));
        resolve(order, bound(part, uint256(order.amount) + 1, type(uint256).max));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "providerPart"));
        resolve(order, uint256(order.amount) + 1);
        assertPhase(orderId, Phase.DISPUTE);
    }

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed, uint256 part) public {
        Order memory order = reviewedOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase < Phase.LOCK || phase > Phase.DISPUTE);
        bytes32 orderId = bring(order, phase);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        resolve(order, bound(part, 0, order.amount));
    }

    function testFuzz_revert_caller(Order memory seed, uint256 phaseSeed, address caller, uint256 which, uint256 part)
        public
    {
        address[6] memory others = [requester, provider, approver, commissionTo, owner, caller];
        caller = others[bound(which, 0, 5)];
        vm.assume(caller != arbiter);
        Order memory order = reviewedOrder(seed);
        (bytes32 orderId, Phase phase,) = openDispute(order, phaseSeed);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.resolveDispute(order, bound(part, 0, order.amount), REASON);
        assertPhase(orderId, phase);
    }

    function testFuzz_deadline(Order memory seed, uint256 phaseSeed, uint256 part) public {
        Order memory order = reviewedOrder(seed);
        (bytes32 orderId, Phase phase, uint256 deadline) = openDispute(order, phaseSeed);
        part = bound(part, 0, order.amount);

        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        resolve(order, part);

        vm.warp(deadline);
        resolve(order, part);
        assertState(
            orderId,
            part == 0 ? Phase.REJECTED : Phase.CLEAR,
            order.approver != address(0),
            true,
            deadline,
            phase == Phase.LOCK ? bytes32(0) : DELIVERABLE
        );
    }

    function testFuzz_revert_notDisputed(Order memory seed, bool delivered, uint256 part) public {
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, delivered ? Phase.DELIVER : Phase.LOCK);
        vm.expectRevert(ICAPVault.NotDisputed.selector);
        resolve(order, bound(part, 0, order.amount));
        assertPhase(orderId, delivered ? Phase.DELIVER : Phase.LOCK);
    }

    /// @dev Before delivery the gate binds the Arbiter too, but for a full refund.
    function testFuzz_lockNotApproved(Order memory seed, uint256 part) public {
        Order memory order = reviewedOrder(seed);
        order.approver = approver;
        bytes32 orderId = bring(order, Phase.LOCK);
        dispute(order);
        vm.expectRevert(ICAPVault.NotApproved.selector);
        resolve(order, bound(part, 1, order.amount));
        vm.expectRevert(ICAPVault.NotApproved.selector);
        resolve(order, 1);
        resolve(order, 0);
        assertState(orderId, Phase.REJECTED, false, true, START, 0);
        assertMoney(Holdings({held: 0, toProvider: 0, toRequester: order.amount, fee: 0, commission: 0}));
    }

    /* SUCCESS */

    function testFuzz_splits(
        Order memory seed,
        uint256 phaseSeed,
        uint256 elapsed,
        uint256 part,
        bytes32 reasonHash,
        uint120 others
    ) public {
        Order memory order = reviewedOrder(seed);
        (bytes32 orderId, Phase phase, uint256 deadline) = openDispute(order, phaseSeed);
        token.mint(address(vault), others);
        vm.warp(bound(elapsed, vm.getBlockTimestamp(), deadline));
        part = bound(part, 1, order.amount);
        Holdings memory money = settled(order, part);
        vm.assertEq(
            money.toProvider + money.toRequester + money.fee + money.commission, order.amount, "the four are the price"
        );

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.DisputeResolved(orderId, part, reasonHash);
        expectSettlement(order, orderId, part);
        vm.prank(arbiter);
        vault.resolveDispute(order, part, reasonHash);

        vm.assertEq(logCount(), 1 + settlementLogs(money), "logs");
        assertState(
            orderId,
            Phase.CLEAR,
            order.approver != address(0),
            true,
            vm.getBlockTimestamp(),
            phase == Phase.LOCK ? bytes32(0) : DELIVERABLE
        );
        money.held = others;
        assertMoney(money);
    }

    function testFuzz_refunds(Order memory seed, uint256 phaseSeed, uint256 elapsed, bytes32 reasonHash, uint120 others)
        public
    {
        Order memory order = reviewedOrder(seed);
        (bytes32 orderId, Phase phase, uint256 deadline) = openDispute(order, phaseSeed);
        token.mint(address(vault), others);
        vm.warp(bound(elapsed, vm.getBlockTimestamp(), deadline));

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.DisputeResolved(orderId, 0, reasonHash);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderRejected(orderId, arbiter, reasonHash, order.amount);
        expectTransfer(address(vault), requester, order.amount);
        vm.prank(arbiter);
        vault.resolveDispute(order, 0, reasonHash);

        vm.assertEq(logCount(), 3, "logs");
        assertState(
            orderId,
            Phase.REJECTED,
            order.approver != address(0),
            true,
            vm.getBlockTimestamp(),
            phase == Phase.LOCK ? bytes32(0) : DELIVERABLE
        );
        assertMoney(Holdings({held: others, toProvider: 0, toRequester: order.amount, fee: 0, commission: 0}));
    }

    /// @dev What rounds to nothing is nothing, and all of the dust is the Provider's.
    function testFuzz_dustPaysNoFee(Order memory seed, uint256 phaseSeed) public {
        Order memory order = reviewedOrder(seed);
        (bytes32 orderId,,) = openDispute(order, phaseSeed);
        uint256 most = order.feeBps > order.commissionBps ? order.feeBps : order.commissionBps;
        uint256 part = 9999 / most;
        if (part > order.amount) part = order.amount;
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderCleared(orderId, part, order.amount - part, 0, 0);
        resolve(order, part);
        assertMoney(Holdings({held: 0, toProvider: part, toRequester: order.amount - part, fee: 0, commission: 0}));
    }

    function testFuzz_ownerChangesDoNotReachIt(Order memory seed, uint256 part, bool enabled, uint16 minFeeBps) public {
        Order memory order = reviewedOrder(seed);
        bring(order, Phase.DISPUTE);
        part = bound(part, 1, order.amount);
        vm.prank(owner);
        vault.setToken(address(token), enabled, uint16(bound(minFeeBps, 0, 1000)));
        vm.prank(owner);
        vault.setTreasury(owner);
        resolve(order, part);
        assertMoney(settled(order, part));
    }

    /* HELPERS */

    /// @dev Brings the order, disputed and approved, into one of the phases in which the Arbiter may rule.
    function openDispute(Order memory order, uint256 phaseSeed)
        private
        returns (bytes32 orderId, Phase phase, uint256 deadline)
    {
        phase = Phase(bound(phaseSeed, uint256(Phase.LOCK), uint256(Phase.DISPUTE)));
        orderId = bring(order, Phase.LOCK);
        if (order.approver != address(0)) approve(order);
        deadline = START + order.slaSeconds;
        if (phase != Phase.DISPUTE) {
            vm.prank(phaseSeed % 2 == 0 ? requester : provider);
            vault.disputeOrder(order, REASON);
        }
        if (phase == Phase.LOCK) return (orderId, phase, deadline);
        vm.warp(START + phaseSeed % 300);
        deliver(order);
        deadline = vm.getBlockTimestamp() + order.reviewSeconds;
        if (phase == Phase.DELIVER) return (orderId, phase, deadline);
        vm.warp(deadline - phaseSeed % 300);
        dispute(order);
        deadline = vm.getBlockTimestamp() + 30 days;
    }
}
