// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Behaviour} from "../mocks/MockToken.sol";
import {MockUnchecked3009} from "../mocks/MockUnchecked3009.sol";
import {MockWETH} from "../mocks/MockWETH.sol";
import {AuthorizationTest} from "./AuthorizationTest.sol";
import {TermsTest} from "./TermsTest.sol";
import {VaultTest} from "./VaultTest.sol";

contract CreateAndPayOrderWithAuthorizationTest is TermsTest, AuthorizationTest {
    function setUp() public override(VaultTest, AuthorizationTest) {
        super.setUp();
    }

    function creation(Order memory order, bytes32 orderId, bytes memory encoded)
        internal
        override
        returns (address caller, bytes memory data)
    {
        token.mint(requester, order.amount);
        Authorization memory authorization = authorizationFor(order);
        authorization.nonce = orderId;
        bytes memory tail = abi.encode(sign(PROVIDER_KEY, orderId), signAuthorization(REQUESTER_KEY, authorization));
        return (stranger, assemble(ICAPVault.createAndPayOrderWithAuthorization.selector, encoded, tail, 2));
    }

    /* ORDER OF CHECKS */

    /// @dev Each call breaks all that the next ones do.
    function testFuzz_revert_termsThenPhaseThenDeadlineThenSignatureThenToken(Order memory seed) public {
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
        vault.createAndPayOrderWithAuthorization(invalid, "", "");

        bytes32 rejectedId = vault.hashOrder(rejected);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, rejectedId, Phase.REJECTED));
        vault.createAndPayOrderWithAuthorization(rejected, "", "");

        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, open.payDeadline));
        vault.createAndPayOrderWithAuthorization(open, "", "");

        vm.warp(open.payDeadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.BadSignature.selector, provider));
        vault.createAndPayOrderWithAuthorization(open, "", "");

        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(open));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TokenDisabled.selector, token));
        vault.createAndPayOrderWithAuthorization(open, providerSig, "");
    }

    /* PHASE AND DEADLINE */

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase >= Phase.LOCK);
        bytes32 orderId = bring(order, phase);
        token.mint(requester, order.amount);
        (bytes memory providerSig, bytes memory authorization) = (sign(PROVIDER_KEY, orderId), authorize(order));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vault.createAndPayOrderWithAuthorization(order, providerSig, authorization);
    }

    function testFuzz_deadline(Order memory seed, bool created) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = bring(order, created ? Phase.NEGOTIATION : Phase.NONE);
        token.mint(requester, order.amount);
        (bytes memory providerSig, bytes memory authorization) = (sign(PROVIDER_KEY, orderId), authorize(order));

        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, order.payDeadline));
        vault.createAndPayOrderWithAuthorization(order, providerSig, authorization);

        vm.warp(order.payDeadline);
        vault.createAndPayOrderWithAuthorization(order, providerSig, authorization);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    /* CONSENT */

    function testFuzz_revert_providerDidNotSign(Order memory seed, bytes memory rubbish) public {
        Order memory order = anyOrder(seed);
        token.mint(requester, order.amount);
        bytes32 orderId = vault.hashOrder(order);
        bytes[3] memory bad = [rubbish, sign(REQUESTER_KEY, orderId), sign(PROVIDER_KEY, keccak256(rubbish))];
        bytes memory reason = abi.encodeWithSelector(ICAPVault.BadSignature.selector, provider);
        for (uint256 i; i < bad.length; ++i) {
            expectNotPaid(stranger, order, bad[i], authorize(order), reason);
        }
    }

    /// @dev Nothing but the authorization is the Requester's consent: not its signature of the order, nor that it makes the call.
    function testFuzz_revert_requesterDidNotAuthorize(Order memory seed, bytes memory rubbish, bool byRequester)
        public
    {
        Order memory order = anyOrder(seed);
        fund(order);
        bytes32 orderId = vault.hashOrder(order);
        address caller = byRequester ? requester : provider;
        bytes[3] memory bad =
            [rubbish, sign(REQUESTER_KEY, orderId), signAuthorization(PROVIDER_KEY, authorizationFor(order))];
        bytes memory reason = abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector);
        for (uint256 i; i < bad.length; ++i) {
            expectNotPaid(caller, order, sign(PROVIDER_KEY, orderId), bad[i], reason);
        }
    }

    function testFuzz_revert_authorizationOfAnotherOrder(Order memory seed) public {
        Order memory order = anyOrder(seed);
        token.mint(requester, uint256(order.amount) * 2);
        Order memory other = sibling(order);
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(other));
        bytes memory reason = abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector);
        expectNotPaid(stranger, other, providerSig, authorize(order), reason);
    }

    /* TOKEN */

    function testFuzz_revert_wrongDeposit(Order memory seed) public {
        useToken(address(new MockUnchecked3009()));
        Order memory order = anyOrder(seed);
        token.mint(requester, order.amount);
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(order));
        token.setBehaviour(Behaviour.LIES);
        bytes memory reason = abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount);
        expectNotPaid(stranger, order, providerSig, "", reason);
        token.setBehaviour(Behaviour.TAKES_FEE);
        uint256 received = order.amount - (uint256(order.amount) + 99) / 100;
        reason = abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, received, order.amount);
        expectNotPaid(stranger, order, providerSig, "", reason);
    }

    /// @dev Else anyone could have anybody buy: the authorization is all that the Requester is asked for.
    function testFuzz_revert_silentFallback(Order memory seed) public {
        useToken(address(new MockWETH()));
        Order memory order = anyOrder(seed);
        fund(order);
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(order));
        bytes memory reason = abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount);
        expectNotPaid(stranger, order, providerSig, "", reason);
    }

    function testFuzz_revert_noCode(Order memory seed) public {
        Order memory order = anyOrder(seed);
        vm.etch(address(token), "");
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(order));
        bytes memory reason = abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount);
        expectNotPaid(stranger, order, providerSig, "", reason);
    }

    function testFuzz_reentrancyIsRefused(Order memory seed) public {
        useToken(address(new MockUnchecked3009()));
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        token.mint(requester, order.amount);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        token.reenter(
            address(vault), abi.encodeCall(vault.createAndPayOrderWithAuthorization, (order, providerSig, ""))
        );
        vault.createAndPayOrderWithAuthorization(order, providerSig, "");
        assertEntered(orderId, Phase.LOCK, 0);
        vm.assertEq(token.reentries(), 1, "tried");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
    }

    /* SUCCESS */

    function testFuzz_fromNone(Order memory seed, address caller, uint256 elapsed, uint120 others) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        token.mint(requester, order.amount);
        token.mint(address(vault), others);
        (bytes memory providerSig, bytes memory authorization) = (sign(PROVIDER_KEY, orderId), authorize(order));
        vm.warp(bound(elapsed, START, order.payDeadline));

        vm.expectEmit(address(vault));
        emit ICAPVault.OrderCreated(orderId, requester, provider, order);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderPaid(orderId, vm.getBlockTimestamp() + order.slaSeconds);
        expectTransfer(requester, address(vault), order.amount);
        vm.prank(caller);
        bytes32 returned = vault.createAndPayOrderWithAuthorization(order, providerSig, authorization);

        vm.assertEq(returned, orderId, "orderId");
        assertEntered(orderId, Phase.LOCK, 0);
        assertHeld(uint256(others) + order.amount);
    }

    function testFuzz_providerThatCallsNeedsNoSignature(Order memory seed, bytes memory ignored) public {
        Order memory order = anyOrder(seed);
        token.mint(requester, order.amount);
        bytes memory authorization = authorize(order);
        vm.prank(provider);
        bytes32 orderId = vault.createAndPayOrderWithAuthorization(order, ignored, authorization);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    /// @dev Whatever stands in the place of the Provider's signature, and whatever the owner has set since creation.
    function testFuzz_fromNegotiation(Order memory seed, bytes memory ignored, bool enabled, uint16 minFeeBps) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        vm.prank(owner);
        vault.setToken(address(token), enabled, uint16(bound(minFeeBps, 0, 1000)));
        bytes memory authorization = authorize(order);

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderPaid(orderId, START + order.slaSeconds);
        bytes32 returned = vault.createAndPayOrderWithAuthorization(order, ignored, authorization);

        vm.assertEq(logCount(), 3, "OrderPaid, AuthorizationUsed, Transfer");
        vm.assertEq(returned, orderId, "orderId");
        assertEntered(orderId, Phase.LOCK, 0);
        assertHeld(order.amount);
    }

    /* HELPERS */

    function assertHeld(uint256 held) private view {
        assertMoney(Holdings({held: held, toProvider: 0, toRequester: 0, fee: 0, commission: 0}));
    }

    function expectNotPaid(
        address caller,
        Order memory order,
        bytes memory providerSig,
        bytes memory authorization,
        bytes memory reason
    ) private {
        vm.expectRevert(reason);
        vm.prank(caller);
        vault.createAndPayOrderWithAuthorization(order, providerSig, authorization);
        assertPhase(vault.hashOrder(order), Phase.NONE);
    }
}
