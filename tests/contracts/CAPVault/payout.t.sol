// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Behaviour} from "../mocks/MockToken.sol";
import {VaultTest} from "./VaultTest.sol";

contract PayoutTest is VaultTest {
    /// @dev One of the three calls that pay, ready to be made.
    struct Payout {
        bytes32 orderId;
        address caller;
        bytes call;
        address to;
        uint256 amount;
        uint256 feeAccrued;
        Phase phase;
    }

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
        assertPhase(payout.orderId, Phase.LOCK);
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
        assertPhase(payout.orderId, ok ? payout.phase : Phase.LOCK);
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

    /* REENTRANCY */

    function testFuzz_reentrancyIsRefused(Order memory seed, uint256 which, uint256 into) public {
        Payout memory payout = prepare(seed, which);
        Order memory order = validOrder(seed);
        bytes[6] memory calls = [
            abi.encodeCall(vault.payOrder, (order)),
            abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE)),
            abi.encodeCall(vault.rejectOrder, (order, REASON)),
            abi.encodeCall(vault.expireOrder, (order)),
            abi.encodeCall(vault.claim, (address(token), stranger)),
            abi.encodeCall(vault.sweepFees, (address(token)))
        ];
        token.reenter(address(vault), calls[bound(into, 0, 5)]);
        send(payout);
        vm.assertEq(token.reentries(), 1, "tried");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
        vm.assertEq(token.balanceOf(payout.to), payout.amount, "paid once");
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
        Order memory order = validOrder(seed);
        payout.orderId = bring(order, Phase.LOCK);
        which = bound(which, 0, 2);
        (payout.to, payout.amount) = (requester, order.amount);
        if (which == 0) {
            payout.caller = provider;
            payout.call = abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE));
            (payout.to, payout.amount, payout.feeAccrued) = (provider, order.amount - fee(order), fee(order));
            payout.phase = Phase.CLEAR;
        } else if (which == 1) {
            payout.caller = provider;
            payout.call = abi.encodeCall(vault.rejectOrder, (order, REASON));
            payout.phase = Phase.REJECTED;
        } else {
            vm.warp(vm.getBlockTimestamp() + order.slaSeconds + 1);
            payout.caller = stranger;
            payout.call = abi.encodeCall(vault.expireOrder, (order));
            payout.phase = Phase.EXPIRED;
        }
    }

    /// @dev The same for a second order.
    function prepareNext(Order memory seed, uint256 which) private returns (Payout memory) {
        seed.salt ^= 1;
        return prepare(seed, which);
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
