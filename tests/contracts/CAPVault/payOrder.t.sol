// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Behaviour, MockToken} from "../mocks/MockToken.sol";
import {VaultTest} from "./VaultTest.sol";

contract PayOrderTest is VaultTest {
    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = anyOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.NEGOTIATION);
        bytes32 orderId = bring(order, phase);
        fund(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vm.prank(requester);
        vault.payOrder(order);
    }

    function testFuzz_revert_otherTerms(Order memory seed, uint120 amount) public {
        Order memory order = anyOrder(seed);
        create(order);
        vm.assume(amount != order.amount);
        order.amount = amount;
        bytes32 otherId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, otherId, Phase.NONE));
        vm.prank(requester);
        vault.payOrder(order);
    }

    function testFuzz_revert_caller(Order memory seed, address caller) public {
        vm.assume(caller != requester);
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.payOrder(order);
    }

    /// @dev The phase comes before the caller, the caller before the deadline.
    function testFuzz_revert_phaseThenCallerThenDeadline(Order memory seed) public {
        Order memory order = anyOrder(seed);
        vm.warp(uint256(order.payDeadline) + 1);
        bytes32 orderId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.NONE));
        vault.payOrder(order);
        vm.warp(order.payDeadline);
        create(order);
        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, address(this)));
        vault.payOrder(order);
    }

    function testFuzz_deadline(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        fund(order);

        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, order.payDeadline));
        vm.prank(requester);
        vault.payOrder(order);

        vm.warp(order.payDeadline);
        vm.prank(requester);
        vault.payOrder(order);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    /* TOKEN */

    function testFuzz_revert_noCode(Order memory seed) public {
        Order memory order = anyOrder(seed);
        create(order);
        vm.etch(address(token), "");
        expectNotPaid(order, abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount));
    }

    function testFuzz_revert_tokenReverts(Order memory seed) public {
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        token.setBehaviour(Behaviour.REVERTS);
        expectNotPaid(order, abi.encodeWithSelector(MockToken.Misbehaved.selector));
        token.setBehaviour(Behaviour.HONEST);
        token.setDenied(requester, true);
        expectNotPaid(order, abi.encodeWithSelector(MockToken.Denied.selector, requester));
    }

    function testFuzz_revert_allowanceOrBalance(Order memory seed, bool noAllowance, uint120 short) public {
        Order memory order = anyOrder(seed);
        create(order);
        uint256 less = order.amount - bound(short, 1, order.amount);
        token.mint(requester, noAllowance ? order.amount : less);
        vm.prank(requester);
        token.approve(address(vault), noAllowance ? less : order.amount);
        expectNotPaid(order, abi.encodeWithSignature("Panic(uint256)", 0x11)); // the mock token's error
    }

    function testFuzz_revert_badReturn(Order memory seed, uint256 which) public {
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        Behaviour[3] memory bad = [Behaviour.RETURNS_FALSE, Behaviour.RETURNS_RUBBISH, Behaviour.RETURNS_SHORT];
        token.setBehaviour(bad[bound(which, 0, 2)]);
        expectNotPaid(order, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
    }

    function testFuzz_revert_lessArrives(Order memory seed) public {
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        token.setBehaviour(Behaviour.TAKES_FEE);
        uint256 received = order.amount - (uint256(order.amount) + 99) / 100;
        expectNotPaid(order, abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, received, order.amount));
        token.setBehaviour(Behaviour.LIES);
        expectNotPaid(order, abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, 0, order.amount));
    }

    /// @dev A token that the vault takes too, in place of the one that was agreed on.
    function testFuzz_revert_tokenSwapped(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        token = new MockToken();
        vm.prank(owner);
        vault.setToken(address(token), true, MIN_FEE_BPS);
        order.token = address(token);
        fund(order);
        bytes32 swappedId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, swappedId, Phase.NONE));
        vm.prank(requester);
        vault.payOrder(order);
        assertPhase(orderId, Phase.NEGOTIATION);
    }

    /// @dev A token that takes from the vault while it pays in.
    function testFuzz_revert_othersMoneyIsTaken(Order memory seed, uint120 others, uint256 taken) public {
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        token.mint(address(vault), bound(others, 1, type(uint120).max));
        taken = bound(taken, 1, token.balanceOf(address(vault)));
        token.reenter(address(token), abi.encodeCall(token.burn, (address(vault), taken)));
        expectNotPaid(
            order,
            taken > order.amount
                ? abi.encodeWithSignature("Panic(uint256)", 0x11)
                : abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, order.amount - taken, order.amount)
        );
    }

    function testFuzz_revert_moreArrives(Order memory seed, uint120 more) public {
        vm.assume(more != 0);
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        token.reenter(address(token), abi.encodeCall(token.mint, (address(vault), more)));
        uint256 received = uint256(order.amount) + more;
        expectNotPaid(order, abi.encodeWithSelector(ICAPVault.WrongDeposit.selector, received, order.amount));
    }

    function testFuzz_revert_gasBurnt(Order memory seed) public {
        Order memory order = anyOrder(seed);
        create(order);
        fund(order);
        token.setBehaviour(Behaviour.BURNS_GAS);
        vm.prank(requester);
        (bool ok,) = address(vault).call{gas: 1_000_000}(abi.encodeCall(vault.payOrder, (order)));
        vm.assertFalse(ok, "paid");
        assertPhase(vault.hashOrder(order), Phase.NEGOTIATION);
    }

    function testFuzz_reentrancyIsRefused(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        fund(order);
        token.reenter(address(vault), abi.encodeCall(vault.payOrder, (order)));
        vm.prank(requester);
        vault.payOrder(order);
        assertEntered(orderId, Phase.LOCK, 0);
        vm.assertEq(token.reentries(), 1, "tried");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
    }

    /* SUCCESS */

    function testFuzz_pays(Order memory seed, uint256 elapsed, uint120 others, bool returnsNothing) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        fund(order);
        token.mint(address(vault), others);
        token.mint(stranger, others);
        vm.prank(stranger);
        token.approve(address(vault), others);
        if (returnsNothing) token.setBehaviour(Behaviour.RETURNS_NOTHING);
        vm.warp(bound(elapsed, START, order.payDeadline));

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderPaid(orderId, vm.getBlockTimestamp() + order.slaSeconds);
        expectTransfer(requester, address(vault), order.amount);
        vm.prank(requester);
        vault.payOrder(order);

        vm.assertEq(logCount(), 2, "logs");
        assertEntered(orderId, Phase.LOCK, 0);
        vm.assertEq(token.balanceOf(requester), 0, "requester");
        vm.assertEq(token.balanceOf(address(vault)), uint256(others) + order.amount, "vault");
        vm.assertEq(token.balanceOf(stranger), others, "stranger");
        vm.assertEq(accruedFees(), 0, "no fee yet");
    }

    function testFuzz_approvalStays(Order memory seed) public {
        Order memory order = gatedOrder(seed);
        bytes32 orderId = create(order);
        approve(order);
        pay(order);
        assertState(orderId, Phase.LOCK, true, false, START, 0);
    }

    /// @dev The owner's settings are read at creation only.
    function testFuzz_ownerChangesDoNotReachIt(Order memory seed, bool enabled, uint16 minFeeBps) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = create(order);
        fund(order);
        vm.prank(owner);
        vault.setToken(address(token), enabled, uint16(bound(minFeeBps, 0, 1000)));
        vm.prank(requester);
        vault.payOrder(order);
        assertEntered(orderId, Phase.LOCK, 0);
    }

    /* HELPERS */

    function expectNotPaid(Order memory order, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(requester);
        vault.payOrder(order);
        assertPhase(vault.hashOrder(order), Phase.NEGOTIATION);
    }
}
