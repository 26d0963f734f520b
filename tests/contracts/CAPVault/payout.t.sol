// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Behaviour} from "../mocks/MockToken.sol";
import {VaultTest} from "./VaultTest.sol";

contract PayoutTest is VaultTest {
    /// @dev One of the calls that pay one payee, ready to be made.
    struct Payout {
        bytes32 orderId;
        address caller;
        bytes call;
        address to;
        uint256 amount;
        uint256 feeAccrued;
        Phase from;
        Phase phase;
    }

    uint256 private constant CALLS = 7;

    function testFuzz_revert_pushByOthers(address caller, address to, uint256 amount) public {
        vm.assume(caller != address(vault));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.push(address(token), to, amount);
    }

    /* GAS */

    function testFuzz_revert_insufficientGas(Order memory seed, uint256 which, uint256 gasLimit) public {
        Payout memory payout = prepare(seed, which);
        gasLimit = bound(gasLimit, 150_000, 320_000);
        vm.prank(payout.caller);
        (bool ok, bytes memory reason) = address(vault).call{gas: gasLimit}(payout.call);
        vm.assertFalse(ok, "done");
        vm.assertEq(bytes32(bytes4(reason)), bytes32(ICAPVault.InsufficientGas.selector), "error");
        (uint256 found, uint256 required) = abi.decode(slice(reason), (uint256, uint256));
        vm.assertEq(required, 320_000, "required");
        vm.assertLe(found, required - 1, "found");
        vm.assertGe(found + 60_000, gasLimit, "found is what was left");
        assertPhase(payout.orderId, payout.from);
    }

    /// @dev The refused call tells how much was left; what it lacks is given to the next one, to the unit.
    function testFuzz_320kIsEnough(Order memory seed, uint256 which) public {
        Payout memory payout = prepare(seed, which);
        vm.prank(payout.caller);
        (, bytes memory reason) = address(vault).call{gas: 300_000}(payout.call);
        (uint256 found,) = abi.decode(slice(reason), (uint256, uint256));
        uint256 exact = 300_000 + 320_000 - found;

        vm.prank(payout.caller);
        (bool ok, bytes memory next) = address(vault).call{gas: exact - 1}(payout.call);
        vm.assertFalse(ok, "a unit too little");
        vm.assertEq(next, abi.encodeWithSelector(ICAPVault.InsufficientGas.selector, 319_999, 320_000), "error");

        vm.prank(payout.caller);
        (ok,) = address(vault).call{gas: exact}(payout.call);
        vm.assertTrue(ok, "enough");
        assertPhase(payout.orderId, payout.phase);
    }

    /// @dev Whatever gas the caller gives: a token that can do with 300 000 is paid, or nothing happens at all.
    function testFuzz_noGasLimitDefers(Order memory seed, uint256 which, uint256 gasLimit, uint256 cost) public {
        Payout memory payout = prepare(seed, which);
        token.charge(bound(cost, 0, 180_000)); // and up to 100 000 for itself
        gasLimit = bound(gasLimit, 21_000, 600_000);
        vm.prank(payout.caller);
        (bool ok,) = address(vault).call{gas: gasLimit}(payout.call);
        vm.assertEq(vault.claimable(address(token), payout.to), 0, "deferred");
        vm.assertEq(token.balanceOf(payout.to), ok ? payout.amount : 0, "paid");
        assertPhase(payout.orderId, ok ? payout.phase : payout.from);
    }

    function testFuzz_pushHasExactly300kGas(Order memory seed, uint256 which, uint256 gasLimit) public {
        Payout memory payout = prepare(seed, which);
        bytes memory push = abi.encodeCall(vault.push, (address(token), payout.to, payout.amount));
        vm.expectCall(address(vault), 0, 300_000, push, 1);
        vm.prank(payout.caller);
        (bool ok,) = address(vault).call{gas: bound(gasLimit, 400_000, 30_000_000)}(payout.call);
        vm.assertTrue(ok, "done");
    }

    /* FAILED PUSHES */

    function testFuzz_deferred(Order memory seed, uint256 which, uint256 how, uint120 others) public {
        Payout memory payout = prepare(seed, which);
        token.mint(address(vault), others);
        uint256 held = token.balanceOf(address(vault));
        failPushes(how, payout.to);

        vm.expectEmit(address(vault));
        emit ICAPVault.PayoutDeferred(payout.orderId, address(token), payout.to, payout.amount);
        vm.prank(payout.caller);
        (bool ok,) = address(vault).call{gas: 1_000_000}(payout.call);

        vm.assertTrue(ok, "the order ends");
        assertPhase(payout.orderId, payout.phase);
        vm.assertEq(vault.claimable(address(token), payout.to), payout.amount, "credit");
        vm.assertEq(accruedFees(), payout.feeAccrued, "the fee is what it is");
        if (address(token).code.length == 0) return;
        vm.assertEq(token.balanceOf(payout.to), 0, "undone");
        vm.assertEq(token.balanceOf(address(vault)), held, "kept");
    }

    function testFuzz_creditsAddUp(Order memory seed, uint256 which) public {
        (Payout memory first, Payout memory second) = (prepare(seed, which), prepareNext(seed, which));
        token.setDenied(first.to, true);
        send(first);
        send(second);
        vm.assertEq(vault.claimable(address(token), first.to), first.amount + second.amount, "credit");
    }

    /// @dev A denylisted party costs itself only: the other party's order goes on in the same token.
    function testFuzz_othersAreNotBlocked(Order memory seed, uint256 which) public {
        Payout memory denied = prepare(seed, which);
        Payout memory other = prepareNext(seed, denied.to == provider ? 1 : 0);
        token.setDenied(denied.to, true);
        send(denied);
        send(other);
        vm.assertEq(token.balanceOf(other.to), other.amount, "paid");
    }

    /* TWO PUSHES */

    /// @dev Each payee's push fails alone.
    function testFuzz_two_deferred(Order memory seed, uint256 part, bool denyProvider, bool denyRequester) public {
        (Order memory order, bytes32 orderId) = prepareSplit(seed);
        part = bound(part, 1, order.amount - 1);
        Holdings memory money = settled(order, part);
        token.setDenied(provider, denyProvider);
        token.setDenied(requester, denyRequester);

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderCleared(orderId, money.toProvider, money.toRequester, money.fee, money.commission);
        if (denyProvider) {
            vm.expectEmit(address(vault));
            emit ICAPVault.PayoutDeferred(orderId, address(token), provider, money.toProvider);
        }
        if (denyRequester) {
            vm.expectEmit(address(vault));
            emit ICAPVault.PayoutDeferred(orderId, address(token), requester, money.toRequester);
        }
        resolve(order, part);

        vm.assertEq(logCount(), 1 + settlementLogs(money), "logs");
        uint256 waiting = (denyProvider ? money.toProvider : 0) + (denyRequester ? money.toRequester : 0);
        vm.assertEq(token.balanceOf(provider), denyProvider ? 0 : money.toProvider, "provider");
        vm.assertEq(claimable(provider), denyProvider ? money.toProvider : 0, "provider's credit");
        vm.assertEq(token.balanceOf(requester), denyRequester ? 0 : money.toRequester, "requester");
        vm.assertEq(claimable(requester), denyRequester ? money.toRequester : 0, "requester's credit");
        vm.assertEq(claimable(commissionTo), money.commission, "commission");
        vm.assertEq(accruedFees(), money.fee, "fee");
        vm.assertEq(token.balanceOf(address(vault)), money.fee + money.commission + waiting, "vault");
        assertState(orderId, Phase.CLEAR, order.approver != address(0), true, START, DELIVERABLE);
    }

    function testFuzz_two_eachHasExactly300kGas(Order memory seed, uint256 part, uint256 gasLimit) public {
        (Order memory order,) = prepareSplit(seed);
        part = bound(part, 1, order.amount - 1);
        Holdings memory money = settled(order, part);
        bytes memory first = abi.encodeCall(vault.push, (address(token), provider, money.toProvider));
        bytes memory second = abi.encodeCall(vault.push, (address(token), requester, money.toRequester));
        vm.expectCall(address(vault), 0, 300_000, first, 1);
        vm.expectCall(address(vault), 0, 300_000, second, 1);
        vm.prank(arbiter);
        vault.resolveDispute{gas: bound(gasLimit, 600_000, 30_000_000)}(order, part, REASON);
    }

    /// @dev Enough for the first push and not for the second: the first is undone.
    function testFuzz_two_revert_insufficientGas(Order memory seed, uint256 part, uint256 gasLimit) public {
        (Order memory order, bytes32 orderId) = prepareSplit(seed);
        token.charge(180_000);
        bytes memory call = abi.encodeCall(vault.resolveDispute, (order, bound(part, 1, order.amount - 1), REASON));
        vm.prank(arbiter);
        (bool ok, bytes memory reason) = address(vault).call{gas: bound(gasLimit, 440_000, 520_000)}(call);
        vm.assertFalse(ok, "done");
        vm.assertEq(bytes32(bytes4(reason)), bytes32(ICAPVault.InsufficientGas.selector), "error");
        assertPhase(orderId, Phase.DISPUTE);
        assertMoney(Holdings({held: order.amount, toProvider: 0, toRequester: 0, fee: 0, commission: 0}));
    }

    function testFuzz_two_noGasLimitDefers(Order memory seed, uint256 part, uint256 gasLimit, uint256 cost) public {
        (Order memory order, bytes32 orderId) = prepareSplit(seed);
        token.charge(bound(cost, 0, 180_000));
        part = bound(part, 1, order.amount - 1);
        vm.prank(arbiter);
        (bool ok,) = address(vault).call{gas: bound(gasLimit, 21_000, 1_200_000)}(
            abi.encodeCall(vault.resolveDispute, (order, part, REASON))
        );
        assertPhase(orderId, ok ? Phase.CLEAR : Phase.DISPUTE);
        Holdings memory money;
        if (ok) money = settled(order, part);
        else money.held = order.amount;
        assertMoney(money);
    }

    /* REENTRANCY */

    function testFuzz_reentrancyIsRefused(Order memory seed, uint256 which, uint256 into) public {
        Payout memory payout = prepare(seed, which);
        Order memory order = validOrder(seed);
        Order[] memory orders = new Order[](1);
        orders[0] = order;
        bytes[13] memory calls = [
            abi.encodeCall(vault.payOrder, (order)),
            abi.encodeCall(vault.payOrderWithAuthorization, (order, "")),
            abi.encodeCall(vault.createAndPayOrder, (order, "")),
            abi.encodeCall(vault.createAndPayOrderWithAuthorization, (order, "", "")),
            abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE)),
            abi.encodeCall(vault.releaseOrder, (order)),
            abi.encodeCall(vault.resolveDispute, (order, 0, REASON)),
            abi.encodeCall(vault.rejectOrder, (order, REASON)),
            abi.encodeCall(vault.expireOrder, (order)),
            abi.encodeCall(vault.expireOrders, (orders)),
            abi.encodeCall(vault.claim, (address(token), stranger)),
            abi.encodeCall(vault.claimFor, (address(token), stranger)),
            abi.encodeCall(vault.sweepFees, (address(token)))
        ];
        token.reenter(address(vault), calls[bound(into, 0, 12)]);
        send(payout);
        vm.assertEq(token.reentries(), 1, "tried");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
        vm.assertEq(token.balanceOf(payout.to), payout.amount, "paid once");
    }

    /// @dev Creation moves no money and takes no lock: it goes on in the middle of a payout, and changes nothing of it.
    function testFuzz_creationDuringAPayout(Order memory seed, uint256 which) public {
        Payout memory payout = prepare(seed, which);
        Order memory order = validOrder(sibling(seed));
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        token.reenter(address(vault), abi.encodeCall(vault.createOrder, (order, requesterSig, providerSig)));
        send(payout);
        assertEntered(orderId, Phase.NEGOTIATION, 0);
        vm.assertEq(token.balanceOf(payout.to), payout.amount, "paid once");
        vm.assertEq(token.balanceOf(address(vault)), payout.feeAccrued, "vault");
    }

    function testFuzz_pushFromTheToken(Order memory seed, uint256 which) public {
        Payout memory payout = prepare(seed, which);
        token.mint(address(vault), 1);
        token.reenter(address(vault), abi.encodeCall(vault.push, (address(token), stranger, 1)));
        send(payout);
        vm.assertEq(token.reentryResult(), abi.encodeWithSelector(ICAPVault.Unauthorized.selector, token), "refused");
        vm.assertEq(token.balanceOf(stranger), 0, "stranger");
    }

    /* HELPERS */

    function prepare(Order memory seed, uint256 which) private returns (Payout memory payout) {
        which = bound(which, 0, CALLS - 1);
        Order memory order = which < 3 ? validOrder(seed) : reviewedOrder(seed);
        (order.approver, order.commissionTo, order.commissionBps) = (address(0), address(0), 0);
        payout.from = which < 3 ? Phase.LOCK : which < 5 ? Phase.DELIVER : Phase.DISPUTE;
        payout.orderId = bring(order, payout.from);
        // The refunds first; what settles in the Provider's favour overwrites them below.
        (payout.to, payout.amount, payout.caller) = (requester, order.amount, provider);
        payout.phase = Phase.REJECTED;
        if (which == 0) payout.call = abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE));
        if (which == 1) payout.call = abi.encodeCall(vault.rejectOrder, (order, REASON));
        if (which == 2) {
            vm.warp(vm.getBlockTimestamp() + order.slaSeconds + 1);
            (payout.caller, payout.phase) = (stranger, Phase.EXPIRED);
            payout.call = abi.encodeCall(vault.expireOrder, (order));
        }
        if (which == 3) payout.call = abi.encodeCall(vault.rejectOrder, (order, REASON));
        if (which == 4) {
            vm.warp(vm.getBlockTimestamp() + order.reviewSeconds + 1);
            payout.caller = stranger;
            payout.call = abi.encodeCall(vault.releaseOrder, (order));
        }
        if (which >= 5) {
            payout.caller = arbiter;
            payout.call = abi.encodeCall(vault.resolveDispute, (order, which == 5 ? order.amount : 0, REASON));
        }
        if (which == 0 || which == 4 || which == 5) {
            (payout.to, payout.amount, payout.feeAccrued) = (provider, order.amount - fee(order), fee(order));
            payout.phase = Phase.CLEAR;
        }
    }

    /// @dev The same for a second order.
    function prepareNext(Order memory seed, uint256 which) private returns (Payout memory) {
        seed.salt ^= 1;
        return prepare(seed, which);
    }

    /// @dev An order in DISPUTE whose price can be split.
    function prepareSplit(Order memory seed) private returns (Order memory order, bytes32 orderId) {
        order = reviewedOrder(seed);
        if (order.amount == 1) order.amount = 2;
        orderId = bring(order, Phase.DISPUTE);
    }

    function send(Payout memory payout) private {
        vm.prank(payout.caller);
        (bool ok,) = address(vault).call(payout.call);
        vm.assertTrue(ok, "the order ends");
        assertPhase(payout.orderId, payout.phase);
    }

    function failPushes(uint256 how, address to) private {
        how = bound(how, 0, 7);
        Behaviour[6] memory bad = [
            Behaviour.REVERTS,
            Behaviour.RETURNS_FALSE,
            Behaviour.RETURNS_RUBBISH,
            Behaviour.RETURNS_SHORT,
            Behaviour.BURNS_GAS,
            Behaviour.RETURNS_BOMB
        ];
        if (how < 6) token.setBehaviour(bad[how]);
        if (how == 6) token.setDenied(to, true);
        if (how == 7) vm.etch(address(token), "");
    }

    /// @dev An error's arguments without its selector.
    function slice(bytes memory reason) private pure returns (bytes memory arguments) {
        arguments = new bytes(reason.length - 4);
        for (uint256 i; i < arguments.length; ++i) {
            arguments[i] = reason[i + 4];
        }
    }
}
