// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Behaviour, MockToken} from "../mocks/MockToken.sol";
import {TermsTest} from "./TermsTest.sol";

contract CreateAndPayOrderTest is TermsTest {
    function creation(Order memory order, bytes32 orderId, bytes memory encoded)
        internal
        override
        returns (address caller, bytes memory data)
    {
        fund(order);
        bytes memory tail = abi.encode(sign(PROVIDER_KEY, orderId));
        return (requester, assemble(ICAPVault.createAndPayOrder.selector, encoded, tail, 1));
    }

    /* ORDER OF CHECKS */

    /// @dev Each call breaks all that the next ones do.
    function testFuzz_revert_termsThenPhaseThenCallerThenDeadlineThenSignatureThenToken(Order memory seed) public {
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
        vault.createAndPayOrder(invalid, "");

        bytes32 rejectedId = vault.hashOrder(rejected);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, rejectedId, Phase.REJECTED));
        vault.createAndPayOrder(rejected, "");

        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, address(this)));
        vault.createAndPayOrder(open, "");

        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, open.payDeadline));
        vm.prank(requester);
        vault.createAndPayOrder(open, "");

        vm.warp(open.payDeadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.BadSignature.selector, provider));
        vm.prank(requester);
        vault.createAndPayOrder(open, "");

        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(open));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TokenDisabled.selector, token));
        vm.prank(requester);
        vault.createAndPayOrder(open, providerSig);
    }

    /* PHASE, CALLER, DEADLINE */

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase >= Phase.LOCK);
        bytes32 orderId = bring(order, phase);
        fund(order);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vm.prank(requester);
        vault.createAndPayOrder(order, providerSig);
    }

    function testFuzz_revert_caller(Order memory seed, address caller, bool created) public {
        vm.assume(caller != requester);
        Order memory order = anyOrder(seed);
        bytes32 orderId = bring(order, created ? Phase.NEGOTIATION : Phase.NONE);
        fund(order);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.createAndPayOrder(order, providerSig);
    }

    function testFuzz_deadline(Order memory seed, bool created) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = bring(order, created ? Phase.NEGOTIATION : Phase.NONE);
        fund(order);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);

        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, order.payDeadline));
        vm.prank(requester);
        vault.createAndPayOrder(order, providerSig);

        vm.warp(order.payDeadline);
        vm.prank(requester);
        vault.createAndPayOrder(order, providerSig);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    /* CONSENT */

    function testFuzz_revert_providerDidNotSign(Order memory seed, bytes memory rubbish) public {
        Order memory order = anyOrder(seed);
        fund(order);
        bytes32 orderId = vault.hashOrder(order);
        bytes[3] memory bad = [rubbish, sign(REQUESTER_KEY, orderId), sign(PROVIDER_KEY, keccak256(rubbish))];
        for (uint256 i; i < bad.length; ++i) {
            expectNotPaid(order, bad[i], abi.encodeWithSelector(ICAPVault.BadSignature.selector, provider));
        }
    }

    /// @dev The Provider has signed for one token; the buyer funds in another, which the vault takes too.
    function testFuzz_revert_tokenSwapped(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(order));
        token = new MockToken();
        vm.prank(owner);
        vault.setToken(address(token), true, MIN_FEE_BPS);
        order.token = address(token);
        fund(order);
        expectNotPaid(order, providerSig, abi.encodeWithSelector(ICAPVault.BadSignature.selector, provider));
    }

    /* TOKEN */

    function testFuzz_revert_noCode(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(order));
        vm.etch(address(token), "");
        expectNotPaid(order, providerSig, abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount));
    }

    function testFuzz_revert_token(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(order));
        fund(order);
        token.setBehaviour(Behaviour.REVERTS);
        expectNotPaid(order, providerSig, abi.encodeWithSelector(MockToken.Misbehaved.selector));
        token.setBehaviour(Behaviour.RETURNS_FALSE);
        expectNotPaid(order, providerSig, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        token.setBehaviour(Behaviour.LIES);
        expectNotPaid(order, providerSig, abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount));
        token.setBehaviour(Behaviour.TAKES_FEE);
        uint256 received = order.amount - (uint256(order.amount) + 99) / 100;
        expectNotPaid(
            order, providerSig, abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, received, order.amount)
        );
    }

    function testFuzz_reentrancyIsRefused(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        fund(order);
        token.reenter(address(vault), abi.encodeCall(vault.createAndPayOrder, (order, providerSig)));
        vm.prank(requester);
        vault.createAndPayOrder(order, providerSig);
        assertEntered(orderId, Phase.LOCK, 0);
        vm.assertEq(token.reentries(), 1, "tried");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
    }

    /* SUCCESS */

    function testFuzz_fromNone(Order memory seed, uint256 elapsed, uint120 others) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        fund(order);
        token.mint(address(vault), others);
        vm.warp(bound(elapsed, START, order.payDeadline));

        vm.expectEmit(address(vault));
        emit ICAPVault.OrderCreated(orderId, requester, provider, order);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderPaid(orderId, vm.getBlockTimestamp() + order.slaSeconds);
        expectTransfer(requester, address(vault), order.amount);
        vm.prank(requester);
        vm.assertEq(vault.createAndPayOrder(order, providerSig), orderId, "orderId");

        assertEntered(orderId, Phase.LOCK, 0);
        assertPaid(order, others);
    }

    /// @dev Whatever stands in the place of the Provider's signature, and whatever the owner has set since creation.
    function testFuzz_fromNegotiation(
        Order memory seed,
        uint256 elapsed,
        bytes memory ignored,
        bool enabled,
        uint16 minFeeBps
    ) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        fund(order);
        vm.prank(owner);
        vault.setToken(address(token), enabled, uint16(bound(minFeeBps, 0, 1000)));
        vm.warp(bound(elapsed, START, order.payDeadline));

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderPaid(orderId, vm.getBlockTimestamp() + order.slaSeconds);
        expectTransfer(requester, address(vault), order.amount);
        vm.prank(requester);
        vm.assertEq(vault.createAndPayOrder(order, ignored), orderId, "orderId");

        vm.assertEq(logCount(), 2, "not created again");
        assertEntered(orderId, Phase.LOCK, 0);
        assertPaid(order, 0);
    }

    function testFuzz_approvalStays(Order memory seed) public {
        Order memory order = gatedOrder(seed);
        bytes32 orderId = create(order);
        approve(order);
        fund(order);
        vm.prank(requester);
        vault.createAndPayOrder(order, "");
        assertState(orderId, Phase.LOCK, true, false, START, 0);
    }

    /* HELPERS */

    function assertPaid(Order memory order, uint256 others) private view {
        assertMoney(Holdings({held: others + order.amount, toProvider: 0, toRequester: 0, fee: 0, commission: 0}));
        vm.assertEq(token.allowance(requester, address(vault)), 0, "allowance");
    }

    function expectNotPaid(Order memory order, bytes memory providerSig, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(requester);
        vault.createAndPayOrder(order, providerSig);
        assertPhase(vault.hashOrder(order), Phase.NONE);
    }
}
