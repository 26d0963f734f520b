// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {TermsTest} from "./TermsTest.sol";

contract CreateOrderTest is TermsTest {
    function creation(Order memory, bytes32 orderId, bytes memory encoded)
        internal
        view
        override
        returns (address caller, bytes memory data)
    {
        bytes memory tail = abi.encode(sign(REQUESTER_KEY, orderId), sign(PROVIDER_KEY, orderId));
        return (stranger, assemble(ICAPVault.createOrder.selector, encoded, tail, 2));
    }

    /* ORDER OF CHECKS */

    /// @dev Each call breaks all that the next ones do.
    function testFuzz_revert_termsThenPhaseThenDeadlineThenSignaturesThenToken(Order memory seed) public {
        Order memory open = anyOrder(seed);
        Order memory rejected = sibling(open);
        Order memory invalid = sibling(open);
        invalid.amount = 0;
        vm.prank(provider);
        vault.rejectOrder(rejected, REASON);
        vm.prank(provider);
        vault.rejectOrder(invalid, REASON);
        disableToken();
        vm.warp(uint256(open.payDeadline) + 1);

        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "amount"));
        vault.createOrder(invalid, "", "");

        bytes32 rejectedId = vault.hashOrder(rejected);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, rejectedId, Phase.REJECTED));
        vault.createOrder(rejected, "", "");

        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, open.payDeadline));
        vault.createOrder(open, "", "");

        vm.warp(open.payDeadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.BadSignature.selector, requester));
        vault.createOrder(open, "", "");

        bytes32 openId = vault.hashOrder(open);
        bytes memory requesterSig = sign(REQUESTER_KEY, openId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.BadSignature.selector, provider));
        vault.createOrder(open, requesterSig, "");

        bytes memory providerSig = sign(PROVIDER_KEY, openId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TokenDisabled.selector, token));
        vault.createOrder(open, requesterSig, providerSig);
    }

    /* PHASE AND DEADLINE */

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.NONE);
        bytes32 orderId = bring(order, phase);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vault.createOrder(order, requesterSig, providerSig);
    }

    /// @dev A consent that its party has withdrawn stays withdrawn.
    function testFuzz_revert_cancelled(Order memory seed, bool byRequester) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        vm.prank(byRequester ? requester : provider);
        vault.rejectOrder(order, REASON);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.REJECTED));
        vault.createOrder(order, requesterSig, providerSig);
    }

    function testFuzz_deadline(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);

        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, order.payDeadline));
        vault.createOrder(order, requesterSig, providerSig);

        vm.warp(order.payDeadline);
        vault.createOrder(order, requesterSig, providerSig);
        assertEntered(orderId, Phase.NEGOTIATION, 0);
    }

    /* SUCCESS */

    function testFuzz_anyoneHoldingBothConsents(Order memory seed, address caller) public {
        Order memory order = anyOrder(seed);
        token.mint(requester, order.amount);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);

        vm.recordLogs();
        vm.prank(caller);
        bytes32 returned = vault.createOrder(order, requesterSig, providerSig);

        vm.assertEq(returned, orderId, "orderId");
        vm.assertEq(vm.getRecordedLogs().length, 1, "OrderCreated only");
        assertEntered(orderId, Phase.NEGOTIATION, 0);
        assertMoney(Holdings({held: 0, toProvider: 0, toRequester: order.amount, fee: 0, commission: 0}));
    }

    function testFuzz_emits(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderCreated(orderId, requester, provider, order);
        vault.createOrder(order, requesterSig, providerSig);
    }

    function testFuzz_callerNeedsNoSignature(Order memory seed, bool byRequester, bytes calldata ignored) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory other = sign(byRequester ? PROVIDER_KEY : REQUESTER_KEY, orderId);
        vm.prank(byRequester ? requester : provider);
        vault.createOrder(order, byRequester ? ignored : other, byRequester ? other : ignored);
        assertEntered(orderId, Phase.NEGOTIATION, 0);
    }

    /// @dev Whom the terms name besides the parties has no say in them.
    function testFuzz_revert_othersConsentForNobody(Order memory seed, uint256 which) public {
        Order memory order = _namingAll(seed);
        address[4] memory others = [arbiter, approver, commissionTo, owner];
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.BadSignature.selector, requester));
        vm.prank(others[bound(which, 0, 3)]);
        vault.createOrder(order, "", "");
    }

    function _namingAll(Order memory seed) private view returns (Order memory order) {
        order = reviewedOrder(commissionedOrder(seed));
        (order.approver, order.commissionTo, order.commissionBps) = (approver, commissionTo, 1);
    }
}
