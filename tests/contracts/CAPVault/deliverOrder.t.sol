// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract DeliverOrderTest is VaultTest {
    /* ORDER OF CHECKS */

    /// @dev Each call breaks all that the next ones do.
    function testFuzz_revert_termsThenPhaseThenCallerThenDeadlineThenApproval(Order memory seed, uint56 tail) public {
        Order memory order = gatedOrder(seed);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "deliverableHash"));
        vault.deliverOrder(order, bytes32(uint256(tail)));

        bytes32 orderId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.NONE));
        vault.deliverOrder(order, DELIVERABLE);

        bring(order, Phase.LOCK);
        uint256 deadline = START + order.slaSeconds;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, address(this)));
        vault.deliverOrder(order, DELIVERABLE);

        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        deliver(order);

        vm.warp(deadline);
        vm.expectRevert(ICAPVault.NotApproved.selector);
        deliver(order);
    }

    function testFuzz_revert_zeroPrefix(Order memory seed, uint56 tail) public {
        Order memory order = anyOrder(seed);
        bring(order, Phase.LOCK);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "deliverableHash"));
        vm.prank(provider);
        vault.deliverOrder(order, bytes32(uint256(tail)));
    }

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.LOCK);
        bytes32 orderId = bring(order, phase);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        deliver(order);
    }

    function testFuzz_revert_caller(Order memory seed, address caller, uint256 which) public {
        address[6] memory others = [requester, arbiter, approver, commissionTo, owner, caller];
        caller = others[bound(which, 0, 5)];
        vm.assume(caller != provider);
        Order memory order = anyOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        if (order.approver != address(0)) approve(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.deliverOrder(order, DELIVERABLE);
        assertPhase(orderId, Phase.LOCK);
    }

    function testFuzz_deadline(Order memory seed, uint256 paidAt) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        paidAt = bound(paidAt, START, order.payDeadline);
        vm.warp(paidAt);
        pay(order);
        bool isApproved = order.approver != address(0);
        if (isApproved) approve(order);
        uint256 deadline = paidAt + order.slaSeconds;

        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        deliver(order);

        vm.warp(deadline);
        deliver(order);
        assertState(
            orderId, order.reviewSeconds == 0 ? Phase.CLEAR : Phase.DELIVER, isApproved, false, deadline, DELIVERABLE
        );
    }

    function testFuzz_revert_notApproved(Order memory seed, uint256 elapsed, bool flagged) public {
        Order memory order = gatedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        flagged = flagged && order.arbiter != address(0);
        if (flagged) dispute(order); // a dispute opens no gate
        vm.warp(START + bound(elapsed, 0, order.slaSeconds));
        vm.expectRevert(ICAPVault.NotApproved.selector);
        deliver(order);
        assertState(orderId, Phase.LOCK, false, flagged, START, 0);
    }

    /* WITHOUT REVIEW */

    function testFuzz_settles(Order memory seed, bytes32 deliverableHash, uint256 elapsed, uint120 others) public {
        vm.assume(bytes25(deliverableHash) != 0);
        Order memory order = unreviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        bool isApproved = order.approver != address(0);
        if (isApproved) approve(order);
        token.mint(address(vault), others);
        vm.warp(START + bound(elapsed, 0, order.slaSeconds));

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderDelivered(orderId, deliverableHash, 0);
        expectSettlement(order, orderId, order.amount);
        vm.prank(provider);
        vault.deliverOrder(order, deliverableHash);

        Holdings memory money = settled(order, order.amount);
        vm.assertEq(logCount(), 1 + settlementLogs(money), "logs");
        assertState(orderId, Phase.CLEAR, isApproved, false, vm.getBlockTimestamp(), deliverableHash);
        money.held = others;
        assertMoney(money);
    }

    /// @dev What rounds to nothing is nothing: the Provider gets all of it.
    function testFuzz_dustPaysNoFee(Order memory seed, uint16 feeBps) public {
        Order memory order = validOrder(seed);
        order.feeBps = uint16(bound(feeBps, MIN_FEE_BPS, 1000));
        order.amount = uint120(9999 / uint256(order.feeBps));
        bring(order, Phase.CLEAR);
        assertMoney(Holdings({held: 0, toProvider: order.amount, toRequester: 0, fee: 0, commission: 0}));
        order.salt ^= 1;
        uint256 before = order.amount;
        order.amount += 1; // the least price of which there is a fee
        bring(order, Phase.CLEAR);
        assertMoney(Holdings({held: 0, toProvider: before + order.amount - 1, toRequester: 0, fee: 1, commission: 0}));
    }

    function testFuzz_feesAddUp(Order memory seed, uint120 amount) public {
        Order memory first = validOrder(seed);
        bring(first, Phase.CLEAR);
        Order memory second = sibling(first);
        second.amount = uint120(bound(amount, 1, type(uint120).max));
        bring(second, Phase.CLEAR);
        vm.assertEq(accruedFees(), fee(first) + fee(second), "fees");
        vm.assertEq(token.balanceOf(address(vault)), fee(first) + fee(second), "vault");
    }

    function testFuzz_ownerChangesDoNotReachIt(Order memory seed, bool enabled, uint16 minFeeBps) public {
        Order memory order = unreviewedOrder(seed);
        bring(order, Phase.LOCK);
        if (order.approver != address(0)) approve(order);
        vm.prank(owner);
        vault.setToken(address(token), enabled, uint16(bound(minFeeBps, 0, 1000)));
        vm.prank(owner);
        vault.setTreasury(stranger);
        deliver(order);
        assertMoney(settled(order, order.amount));
    }

    function testFuzz_deniedTreasuryDoesNotBlockIt(Order memory seed) public {
        Order memory order = unreviewedOrder(seed);
        bring(order, Phase.LOCK);
        if (order.approver != address(0)) approve(order);
        token.setDenied(treasury, true);
        deliver(order);
        assertMoney(settled(order, order.amount));
    }

    /* COMMISSION */

    /// @dev It is credited, never pushed: a second payee that cannot be paid blocks nobody.
    function testFuzz_commissionIsCredited(Order memory seed, bool denied) public {
        Order memory order = commissionedOrder(seed);
        (order.arbiter, order.reviewSeconds) = (address(0), 0);
        bytes32 orderId = bring(order, Phase.LOCK);
        if (order.approver != address(0)) approve(order);
        token.setDenied(commissionTo, denied);
        uint256 commission = share(order.amount, order.commissionBps);

        expectSettlement(order, orderId, order.amount);
        deliver(order);

        assertMoney(settled(order, order.amount));
        if (denied || commission == 0) return;
        vm.prank(commissionTo);
        vm.assertEq(vault.claim(address(token), commissionTo), commission, "claimed");
        vm.assertEq(token.balanceOf(commissionTo), commission, "commissionTo");
        vm.assertEq(token.balanceOf(address(vault)), fee(order), "vault");
    }

    function testFuzz_dustPaysNoCommission(Order memory seed) public {
        Order memory order = commissionedOrder(seed);
        (order.arbiter, order.reviewSeconds, order.approver) = (address(0), 0, address(0));
        order.amount = uint120(9999 / uint256(order.commissionBps));
        bytes32 orderId = bring(order, Phase.LOCK);
        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderDelivered(orderId, DELIVERABLE, 0);
        expectSettlement(order, orderId, order.amount);
        deliver(order);
        vm.assertEq(logCount(), 3, "no PayoutDeferred");
        vm.assertEq(claimable(commissionTo), 0, "commission");
        order.amount += 1;
        bring(order, Phase.CLEAR);
        vm.assertEq(claimable(commissionTo), 1, "the least commission");
    }

    /// @dev One who is paid twice has both: the second payee may be a party.
    function testFuzz_commissionToAParty(Order memory seed, bool toProvider, bool denied) public {
        Order memory order = commissionedOrder(seed);
        (order.arbiter, order.reviewSeconds, order.approver) = (address(0), 0, address(0));
        order.commissionTo = toProvider ? provider : requester;
        bytes32 orderId = bring(order, Phase.LOCK);
        token.setDenied(provider, denied);
        Holdings memory money = settled(order, order.amount);
        deliver(order);
        assertEntered(orderId, Phase.CLEAR, DELIVERABLE);
        uint256 deferred = denied ? money.toProvider : 0;
        vm.assertEq(token.balanceOf(provider), money.toProvider - deferred, "provider");
        vm.assertEq(claimable(provider), deferred + (toProvider ? money.commission : 0), "provider's credit");
        vm.assertEq(claimable(requester), toProvider ? 0 : money.commission, "requester's credit");
        vm.assertEq(token.balanceOf(address(vault)), money.fee + money.commission + deferred, "vault");
    }

    /* INTO REVIEW */

    function testFuzz_intoReview(Order memory seed, bytes32 deliverableHash, uint256 elapsed, bool flagged) public {
        vm.assume(bytes25(deliverableHash) != 0);
        Order memory order = reviewedOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        bool isApproved = order.approver != address(0);
        if (isApproved) approve(order);
        if (flagged) dispute(order);
        vm.warp(START + bound(elapsed, 0, order.slaSeconds));

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderDelivered(orderId, deliverableHash, vm.getBlockTimestamp() + order.reviewSeconds);
        vm.prank(provider);
        vault.deliverOrder(order, deliverableHash);

        vm.assertEq(logCount(), 1, "no transfer");
        assertState(orderId, Phase.DELIVER, isApproved, flagged, vm.getBlockTimestamp(), deliverableHash);
        assertMoney(Holdings({held: order.amount, toProvider: 0, toRequester: 0, fee: 0, commission: 0}));
        vm.assertTrue(vault.isDelivered(orderId, deliverableHash), "isDelivered");
    }

    /// @dev Nothing is pushed, so no gas is asked for.
    function testFuzz_intoReviewNeedsNoGasForAPush(Order memory seed) public {
        Order memory order = reviewedOrder(seed);
        bring(order, Phase.LOCK);
        if (order.approver != address(0)) approve(order);
        vm.prank(provider);
        vault.deliverOrder{gas: 100_000}(order, DELIVERABLE);
    }
}
