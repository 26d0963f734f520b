// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract ExpireOrderTest is VaultTest {
    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.NEGOTIATION && phase != Phase.LOCK);
        bytes32 orderId = bring(order, phase);
        vm.warp(START + 1000 days); // past every deadline
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vault.expireOrder(order);
    }

    /// @dev The phase comes before the deadline.
    function testFuzz_revert_phaseThenDeadline(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.NONE));
        vault.expireOrder(order);
        create(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooEarly.selector, order.payDeadline));
        vault.expireOrder(order);
    }

    function testFuzz_unpaid(Order memory seed, address caller, bool isApproved) public {
        Order memory order = anyOrder(seed);
        isApproved = isApproved && order.approver != address(0);
        bytes32 orderId = create(order);
        if (isApproved) approve(order);
        token.mint(requester, order.amount);

        vm.warp(order.payDeadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooEarly.selector, order.payDeadline));
        vm.prank(caller);
        vault.expireOrder(order);

        vm.warp(uint256(order.payDeadline) + 1);
        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderExpired(orderId, 0);
        vm.prank(caller);
        vault.expireOrder(order);

        vm.assertEq(logCount(), 1, "no transfer");
        assertState(orderId, Phase.EXPIRED, isApproved, false, vm.getBlockTimestamp(), 0);
        assertRefunded(order, 0);
    }

    function testFuzz_paid(
        Order memory seed,
        address caller,
        uint256 paidAt,
        uint120 others,
        bool isApproved,
        bool isDisputed
    ) public {
        Order memory order = anyOrder(seed);
        isApproved = isApproved && order.approver != address(0);
        isDisputed = isDisputed && order.arbiter != address(0);
        bytes32 orderId = create(order);
        paidAt = bound(paidAt, START, order.payDeadline);
        vm.warp(paidAt);
        pay(order);
        if (isApproved) approve(order);
        if (isDisputed) dispute(order);
        token.mint(address(vault), others);
        uint256 deadline = paidAt + order.slaSeconds;

        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooEarly.selector, deadline));
        vm.prank(caller);
        vault.expireOrder(order);

        vm.warp(deadline + 1);
        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderExpired(orderId, order.amount);
        expectTransfer(address(vault), requester, order.amount);
        vm.prank(caller);
        vault.expireOrder(order);

        vm.assertEq(logCount(), 2, "logs");
        assertState(orderId, Phase.EXPIRED, isApproved, isDisputed, deadline + 1, 0);
        assertRefunded(order, others);
    }

    /// @dev No second in which both are valid, and none in which neither is.
    function testFuzz_deliveryOrExpiry(Order memory seed, uint40 later) public {
        Order memory order = validOrder(seed);
        bring(order, Phase.LOCK);
        vm.warp(START + later);
        bool delivered = possible(provider, abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE)));
        bool expired = possible(stranger, abi.encodeCall(vault.expireOrder, (order)));
        vm.assertTrue(delivered != expired, "exactly one of deliver and expire");
    }

    function testFuzz_paymentOrExpiry(Order memory seed, uint40 later) public {
        Order memory order = validOrder(seed);
        create(order);
        fund(order);
        vm.warp(START + later);
        bool paid = possible(requester, abi.encodeCall(vault.payOrder, (order)));
        bool expired = possible(stranger, abi.encodeCall(vault.expireOrder, (order)));
        vm.assertTrue(paid != expired, "exactly one of pay and expire");
    }

    /// @dev A Provider that delivers late, in the very block of the expiry, has come too late.
    function testFuzz_lateDeliveryDoesNotBlockTheRefund(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        if (order.approver != address(0)) approve(order);
        uint256 deadline = START + order.slaSeconds;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, deadline));
        deliver(order);
        vault.expireOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.EXPIRED));
        deliver(order);
        assertRefunded(order, 0);
    }

    function assertRefunded(Order memory order, uint256 others) private view {
        assertMoney(Holdings({held: others, toProvider: 0, toRequester: order.amount, fee: 0, commission: 0}));
    }
}
