// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MockERC3009} from "../mocks/MockERC3009.sol";
import {Behaviour, MockToken} from "../mocks/MockToken.sol";
import {MockUnchecked3009} from "../mocks/MockUnchecked3009.sol";
import {MockWETH} from "../mocks/MockWETH.sol";
import {AuthorizationTest} from "./AuthorizationTest.sol";

contract PayOrderWithAuthorizationTest is AuthorizationTest {
    /* PHASE AND DEADLINE */

    /// @dev The phase comes before the deadline, the deadline before the token.
    function testFuzz_revert_phaseThenDeadlineThenToken(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.NONE));
        vault.payOrderWithAuthorization(order, "");
        vm.warp(order.payDeadline);
        create(order);
        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, order.payDeadline));
        vault.payOrderWithAuthorization(order, "");
        vm.warp(order.payDeadline);
        expectNotPaid(order, "", abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
    }

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.NEGOTIATION);
        bytes32 orderId = bring(order, phase);
        token.mint(requester, order.amount);
        bytes memory authorization = authorize(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vault.payOrderWithAuthorization(order, authorization);
    }

    /// @dev In the last second of payment the authorization is valid; in the next neither the vault nor the token takes it.
    function testFuzz_deadline(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        bytes memory authorization = authorize(order);
        uint256 validBefore = uint256(order.payDeadline) + 1;

        vm.warp(validBefore);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, order.payDeadline));
        vault.payOrderWithAuthorization(order, authorization);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, 0, validBefore));
        receiveAs(address(vault), order, orderId, address(vault), authorization);

        vm.warp(order.payDeadline);
        vault.payOrderWithAuthorization(order, authorization);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    /* AUTHORIZATION */

    function testFuzz_revert_otherAuthorization(Order memory seed, uint256 member, uint256 by) public {
        Order memory order = anyOrder(seed);
        create(order);
        token.mint(requester, uint256(order.amount) * 2);
        Authorization memory signed = authorizationFor(order);
        member = bound(member, 0, 6);
        if (member == 0) signed.from = provider;
        if (member == 1) signed.to = stranger;
        if (member == 2) signed.value = by == order.amount ? 0 : by;
        if (member == 3) signed.validAfter = bound(by, 1, type(uint256).max);
        if (member == 4) signed.validBefore = order.payDeadline;
        if (member == 5) signed.validBefore = bound(by, uint256(order.payDeadline) + 2, type(uint256).max);
        if (member == 6) signed.nonce = bytes32(by);
        expectNotPaid(
            order,
            signAuthorization(REQUESTER_KEY, signed),
            abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector)
        );
    }

    function testFuzz_revert_otherSignature(Order memory seed, bytes memory rubbish) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        bytes memory reason = abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector);
        expectNotPaid(order, rubbish, reason);
        expectNotPaid(order, signAuthorization(PROVIDER_KEY, authorizationFor(order)), reason);
        // Consent to the order is not yet consent to a debit.
        expectNotPaid(order, sign(REQUESTER_KEY, orderId), reason);
    }

    /// @dev It pays the order that was signed for, and no other of equal terms.
    function testFuzz_revert_otherOrder(Order memory seed) public {
        Order memory order = anyOrder(seed);
        create(order);
        Order memory other = sibling(order);
        create(other);
        token.mint(requester, uint256(order.amount) * 2);
        bytes memory authorization = authorize(order);
        expectNotPaid(other, authorization, abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        vault.payOrderWithAuthorization(order, authorization);
        expectNotPaid(other, authorization, abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        vm.assertEq(token.balanceOf(requester), order.amount, "debited once");
    }

    function testFuzz_revert_replay(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        bytes memory authorization = authorize(order);
        vault.payOrderWithAuthorization(order, authorization);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.LOCK));
        vault.payOrderWithAuthorization(order, authorization);

        // Refunded, the Requester has the price again, and keeps it.
        vm.prank(provider);
        vault.rejectOrder(order, REASON);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.REJECTED));
        vault.payOrderWithAuthorization(order, authorization);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, requester, orderId));
        receiveAs(address(vault), order, orderId, address(vault), authorization);
        assertMoney(Holdings({held: 0, toProvider: 0, toRequester: order.amount, fee: 0, commission: 0}));
    }

    function testFuzz_revert_cancelled(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        bytes32 structHash = keccak256(
            abi.encode(keccak256("CancelAuthorization(address authorizer,bytes32 nonce)"), requester, orderId)
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(REQUESTER_KEY, keccak256(abi.encodePacked(hex"1901", tokenDomain(), structHash)));
        MockERC3009(address(token)).cancelAuthorization(requester, orderId, v, r, s);
        expectNotPaid(
            order,
            authorize(order),
            abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, requester, orderId)
        );
    }

    /// @dev Who sees the authorization in the mempool can take it to the token, and gets nowhere: neither the money, nor the nonce.
    function testFuzz_nobodyTakesItToTheTokenFirst(Order memory seed, address thief) public {
        vm.assume(thief != address(vault) && thief != address(0));
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        bytes memory authorization = authorize(order);

        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, vault));
        receiveAs(thief, order, orderId, address(vault), authorization);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        receiveAs(thief, order, orderId, thief, authorization);
        transferAs(thief, order);

        vault.payOrderWithAuthorization(order, authorization);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    function testFuzz_revert_balance(Order memory seed, uint120 short) public {
        Order memory order = anyOrder(seed);
        create(order);
        uint256 less = order.amount - bound(short, 1, order.amount);
        token.mint(requester, less);
        expectNotPaid(
            order,
            authorize(order),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, requester, less, order.amount)
        );
    }

    /* HOSTILE TOKENS */

    function testFuzz_revert_silentFallback(Order memory seed) public {
        useToken(address(new MockWETH()));
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        expectNotPaid(order, "", abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount));
    }

    function testFuzz_revert_tokenWithoutTheCall(Order memory seed) public {
        useToken(address(new MockToken()));
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        expectNotPaid(order, "", "");
    }

    function testFuzz_revert_noCode(Order memory seed) public {
        Order memory order = anyOrder(seed);
        create(order);
        vm.etch(address(token), "");
        expectNotPaid(order, "", abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount));
    }

    function testFuzz_revert_wrongDeposit(Order memory seed, uint120 more) public {
        useToken(address(new MockUnchecked3009()));
        Order memory order = anyOrder(seed);
        create(order);
        token.mint(requester, order.amount);
        token.setBehaviour(Behaviour.REVERTS);
        expectNotPaid(order, "", abi.encodeWithSelector(MockToken.Misbehaved.selector));
        token.setBehaviour(Behaviour.LIES);
        expectNotPaid(order, "", abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount));
        token.setBehaviour(Behaviour.TAKES_FEE);
        uint256 received = order.amount - (uint256(order.amount) + 99) / 100;
        expectNotPaid(order, "", abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, received, order.amount));
        received = uint256(order.amount) + bound(more, 1, type(uint120).max);
        token.reenter(address(token), abi.encodeCall(token.mint, (address(vault), received - order.amount)));
        expectNotPaid(order, "", abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, received, order.amount));
    }

    function testFuzz_reentrancyIsRefused(Order memory seed) public {
        useToken(address(new MockUnchecked3009()));
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        token.reenter(address(vault), abi.encodeCall(vault.payOrderWithAuthorization, (order, "")));
        vault.payOrderWithAuthorization(order, "");
        assertEntered(orderId, Phase.LOCK, 0);
        vm.assertEq(token.reentries(), 1, "tried");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
    }

    /* SUCCESS */

    function testFuzz_anyonePays(Order memory seed, address caller, uint256 elapsed, uint120 others) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        token.mint(address(vault), others);
        bytes memory authorization = authorize(order);
        vm.warp(bound(elapsed, START, order.payDeadline));

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderPaid(orderId, vm.getBlockTimestamp() + order.slaSeconds);
        expectTransfer(requester, address(vault), order.amount);
        vm.prank(caller);
        vault.payOrderWithAuthorization(order, authorization);

        vm.assertEq(logCount(), 3, "with the token's AuthorizationUsed");
        assertEntered(orderId, Phase.LOCK, 0);
        assertMoney(
            Holdings({held: uint256(others) + order.amount, toProvider: 0, toRequester: 0, fee: 0, commission: 0})
        );
    }

    function testFuzz_ownerChangesDoNotReachIt(Order memory seed, bool enabled, uint16 minFeeBps) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        vm.prank(owner);
        vault.setToken(address(token), enabled, uint16(bound(minFeeBps, 0, 1000)));
        bytes memory authorization = authorize(order);
        vault.payOrderWithAuthorization(order, authorization);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    function testFuzz_approvalStays(Order memory seed) public {
        Order memory order = gatedOrder(seed);
        bytes32 orderId = create(order);
        approve(order);
        token.mint(requester, order.amount);
        bytes memory authorization = authorize(order);
        vault.payOrderWithAuthorization(order, authorization);
        assertState(orderId, Phase.LOCK, true, false, START, 0);
    }

    /* HELPERS */

    function expectNotPaid(Order memory order, bytes memory authorization, bytes memory reason) private {
        vm.expectRevert(reason);
        vault.payOrderWithAuthorization(order, authorization);
        assertPhase(vault.hashOrder(order), Phase.NEGOTIATION);
    }

    /// @dev What the vault calls, called by somebody: with the order's authorization but for the recipient.
    function receiveAs(address caller, Order memory order, bytes32 orderId, address to, bytes memory authorization)
        private
    {
        vm.prank(caller);
        MockERC3009(address(token))
            .receiveWithAuthorization(
                order.requester, to, order.amount, 0, uint256(order.payDeadline) + 1, orderId, authorization
            );
    }

    /// @dev transferWithAuthorization needs no certain caller; what was signed is not valid there.
    function transferAs(address caller, Order memory order) private {
        Authorization memory signed = authorizationFor(order);
        bytes memory authorization = authorize(order);
        (bytes32 r, bytes32 s) = abi.decode(bytes.concat(authorization, new bytes(31)), (bytes32, bytes32));
        uint8 v = uint8(authorization[64]);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        vm.prank(caller);
        MockERC3009(address(token))
            .transferWithAuthorization(
                signed.from, signed.to, signed.value, signed.validAfter, signed.validBefore, signed.nonce, v, r, s
            );
    }
}
