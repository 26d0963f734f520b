// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IVault} from "../CAPVault/IVault.sol";
import {VaultTest} from "../CAPVault/VaultTest.sol";

/// @notice Invariant 12: every call × every phase × every actor, before and after the deadline; only the table's cells succeed,
/// and each of the others fails for the reason that the order of checks demands.
contract CallerMatrixTest is VaultTest {
    enum Step {
        CREATE, // with both consents
        CREATE_ALONE, // with no signature: the sender's consent only
        PAY,
        DELIVER,
        REJECT,
        EXPIRE,
        CLAIM,
        SWEEP,
        SET_TOKEN,
        SET_TREASURY,
        PUSH_PAYOUT
    }

    function test_CR61_onlyTheTablesCellsSucceed() public {
        Phase[6] memory phases = [Phase.NONE, Phase.NEGOTIATION, Phase.LOCK, Phase.CLEAR, Phase.REJECTED, Phase.EXPIRED];
        address[7] memory actors = [requester, provider, owner, treasury, stranger, address(token), address(vault)];
        giveCreditTo(requester);
        Order memory order = anOrder(1);
        uint256 fresh = vm.snapshotState();
        uint256 succeeded;
        for (uint256 p; p < phases.length; ++p) {
            bytes32 orderId = bring(order, phases[p]);
            for (uint256 a; a < actors.length; ++a) {
                token.mint(actors[a], order.amount);
                vm.prank(actors[a]);
                token.approve(address(vault), order.amount);
            }
            uint256 lastSecond = deadline(order, phases[p]);
            for (uint256 late; late < 2; ++late) {
                vm.warp(lastSecond + late);
                uint256 before = vm.snapshotState();
                for (uint256 s; s <= uint256(type(Step).max); ++s) {
                    for (uint256 a; a < actors.length; ++a) {
                        if (check(Step(s), phases[p], actors[a], late == 1, order, orderId)) ++succeeded;
                        vm.revertToState(before);
                    }
                }
            }
            vm.revertToState(fresh);
        }
        // Of 924 cells. create 7, pay 1, deliver 1, reject 2·2·2 + 2·1, expire 2·7; in each of 12 columns: claim 1, sweep 7,
        // setToken 1, setTreasury 1, push 1.
        vm.assertEq(succeeded, 7 + 1 + 1 + 10 + 14 + 12 * 11, "cells that succeed");
    }

    /// @return ok Whether the cell succeeded, as it had to if it did.
    function check(Step step, Phase phase, address actor, bool late, Order memory order, bytes32 orderId)
        private
        returns (bool ok)
    {
        string memory cell = string.concat(
            "step ", vm.toString(uint256(step)), ", phase ", vm.toString(uint256(phase)), late ? ", late" : ", in time"
        );
        bytes4 expected = expectedError(step, phase, actor, late);
        bytes memory data = callData(step, order, orderId);
        uint256 held = token.balanceOf(address(vault));
        vm.prank(actor);
        bytes memory reason;
        (ok, reason) = address(vault).call(data);
        vm.assertEq(ok, expected == 0, cell);
        if (!ok) vm.assertEq(bytes32(bytes4(reason)), bytes32(expected), cell);
        assertPhase(orderId, ok ? next(step, phase) : phase);
        if (!ok || !movesTokens(step, phase)) vm.assertEq(token.balanceOf(address(vault)), held, cell);
    }

    /// @notice What is no function of the vault reverts, whoever calls, and moves neither tokens nor ETH.
    function testFuzz_CR61_whatIsNoCallRevertsAndMovesNothing(address actor, bytes calldata data, uint96 value) public {
        vm.assume(data.length < 4 || !isFunction(bytes4(data)));
        bring(anOrder(1), Phase.LOCK);
        uint256 held = token.balanceOf(address(vault));
        vm.deal(actor, value);
        vm.prank(actor);
        (bool ok,) = address(vault).call{value: value}(data);
        vm.assertFalse(ok, "it went through");
        vm.assertEq(token.balanceOf(address(vault)), held, "tokens");
        vm.assertEq(address(vault).balance, 0, "ETH");
    }

    /* THE TABLE */

    /// @dev 0 where the cell succeeds. Phase, then caller, then deadline, then signatures.
    function expectedError(Step step, Phase phase, address actor, bool late) private view returns (bytes4) {
        bool open = phase == Phase.NEGOTIATION || phase == Phase.LOCK;
        if (step == Step.CREATE || step == Step.CREATE_ALONE) {
            if (phase != Phase.NONE) return ICAPVault.WrongPhase.selector;
            if (late) return ICAPVault.TooLate.selector;
            return step == Step.CREATE ? bytes4(0) : ICAPVault.BadSignature.selector;
        }
        if (step == Step.PAY) {
            if (phase != Phase.NEGOTIATION) return ICAPVault.WrongPhase.selector;
            if (actor != requester) return ICAPVault.Unauthorized.selector;
            return late ? ICAPVault.TooLate.selector : bytes4(0);
        }
        if (step == Step.DELIVER) {
            if (phase != Phase.LOCK) return ICAPVault.WrongPhase.selector;
            if (actor != provider) return ICAPVault.Unauthorized.selector;
            return late ? ICAPVault.TooLate.selector : bytes4(0);
        }
        if (step == Step.REJECT) {
            if (phase >= Phase.CLEAR) return ICAPVault.WrongPhase.selector;
            bool may = actor == provider || (actor == requester && phase != Phase.LOCK);
            return may ? bytes4(0) : ICAPVault.Unauthorized.selector;
        }
        if (step == Step.EXPIRE) {
            if (!open) return ICAPVault.WrongPhase.selector;
            return late ? bytes4(0) : ICAPVault.TooEarly.selector;
        }
        if (step == Step.CLAIM) return actor == requester ? bytes4(0) : ICAPVault.NothingToClaim.selector;
        if (step == Step.SWEEP) return 0;
        if (step == Step.PUSH_PAYOUT) return actor == address(vault) ? bytes4(0) : ICAPVault.Unauthorized.selector;
        return actor == owner ? bytes4(0) : Ownable.OwnableUnauthorizedAccount.selector;
    }

    /// @dev Claims and sweeps hand out what a transition put aside.
    function movesTokens(Step step, Phase phase) private pure returns (bool) {
        if (step == Step.REJECT || step == Step.EXPIRE) return phase == Phase.LOCK;
        return step == Step.PAY || step == Step.DELIVER || step == Step.CLAIM || step == Step.SWEEP
            || step == Step.PUSH_PAYOUT;
    }

    function isFunction(bytes4 selector) private pure returns (bool) {
        return isChange(selector) || selector == IVault.owner.selector || selector == IVault.pendingOwner.selector
            || selector == IERC5267.eip712Domain.selector || selector == ICAPVault.orderState.selector
            || selector == ICAPVault.hashOrder.selector || selector == ICAPVault.isDelivered.selector
            || selector == ICAPVault.claimable.selector || selector == ICAPVault.tokenConfig.selector
            || selector == ICAPVault.treasury.selector;
    }

    function isChange(bytes4 selector) private pure returns (bool) {
        return selector == ICAPVault.createOrder.selector || selector == ICAPVault.payOrder.selector
            || selector == ICAPVault.deliverOrder.selector || selector == ICAPVault.rejectOrder.selector
            || selector == ICAPVault.expireOrder.selector || selector == ICAPVault.claim.selector
            || selector == ICAPVault.sweepFees.selector || selector == ICAPVault.setToken.selector
            || selector == ICAPVault.setTreasury.selector || selector == IVault.push.selector
            || selector == IVault.transferOwnership.selector || selector == IVault.acceptOwnership.selector
            || selector == IVault.renounceOwnership.selector;
    }

    /// @dev Where a step that succeeds leads.
    function next(Step step, Phase phase) private pure returns (Phase) {
        if (step == Step.CREATE) return Phase.NEGOTIATION;
        if (step == Step.PAY) return Phase.LOCK;
        if (step == Step.DELIVER) return Phase.CLEAR;
        if (step == Step.REJECT) return Phase.REJECTED;
        if (step == Step.EXPIRE) return Phase.EXPIRED;
        return phase;
    }

    /// @dev The last second in which the order's next step by its parties is valid.
    function deadline(Order memory order, Phase phase) private view returns (uint256) {
        if (phase == Phase.NONE || phase == Phase.NEGOTIATION) return order.payDeadline;
        return vm.getBlockTimestamp() + order.slaSeconds;
    }

    /* CALLS */

    function callData(Step step, Order memory order, bytes32 orderId) private view returns (bytes memory) {
        if (step == Step.CREATE) {
            return abi.encodeCall(vault.createOrder, (order, sign(REQUESTER_KEY, orderId), sign(PROVIDER_KEY, orderId)));
        }
        if (step == Step.CREATE_ALONE) return abi.encodeCall(vault.createOrder, (order, "", ""));
        if (step == Step.PAY) return abi.encodeCall(vault.payOrder, (order));
        if (step == Step.DELIVER) return abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE));
        if (step == Step.REJECT) return abi.encodeCall(vault.rejectOrder, (order, REASON));
        if (step == Step.EXPIRE) return abi.encodeCall(vault.expireOrder, (order));
        if (step == Step.CLAIM) return abi.encodeCall(vault.claim, (address(token), stranger));
        if (step == Step.SWEEP) return abi.encodeCall(vault.sweepFees, (address(token)));
        if (step == Step.SET_TOKEN) return abi.encodeCall(vault.setToken, (address(token), false, 1));
        if (step == Step.SET_TREASURY) return abi.encodeCall(vault.setTreasury, (stranger));
        return abi.encodeCall(vault.push, (address(token), stranger, 1));
    }

    function anOrder(uint64 salt) private view returns (Order memory order) {
        order.requester = requester;
        order.provider = provider;
        order.token = address(token);
        order.amount = 1_000_000;
        order.feeBps = 1000;
        order.payDeadline = uint40(START + 1 hours);
        order.slaSeconds = 2 hours;
        order.salt = salt;
    }

    /// @dev By a refund that could not be pushed.
    function giveCreditTo(address account) private {
        Order memory order = anOrder(0);
        bring(order, Phase.LOCK);
        token.setDenied(account, true);
        vm.prank(provider);
        vault.rejectOrder(order, REASON);
        token.setDenied(account, false);
    }
}
