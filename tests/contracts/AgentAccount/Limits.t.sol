// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {Call, IAgentAccount, Step} from "../../../contracts/interfaces/IAgentAccount.sol";
import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {AccountTest} from "./AccountTest.sol";
import {ReenteringToken} from "./ReenteringToken.sol";

contract LimitsTest is AccountTest {
    address private _executor = vm.addr(REQUESTER_KEY);

    function setUp() public override {
        super.setUp();
        mint(requester, uint256(PRICE) * 100);
    }

    /* setLimits */

    function testFuzz_setLimits_owner(address token, uint80 perOrder, uint80 perDay) public {
        vm.assume(token != address(usdc));
        vm.expectEmit(address(requester));
        emit IAgentAccount.LimitsSet(token, perOrder, perDay);
        vm.prank(owner);
        requester.setLimits(token, perOrder, perDay);
        _assertLimits(token, perOrder, perDay, 0);
        _assertLimits(address(usdc), type(uint80).max, type(uint80).max, 0);
    }

    function test_setLimits_ownersOperation() public {
        bytes memory set = abi.encodeCall(AgentAccount.setLimits, (address(usdc), PRICE, 2 * PRICE));
        PackedUserOperation memory op =
            newOp(requester, 0, abi.encodeCall(AgentAccount.execute, (calls(address(requester), 0, set))));
        sponsor(op);
        signOp(op, OWNER_KEY);

        vm.assertTrue(handle(op), "success");

        _assertLimits(address(usdc), PRICE, 2 * PRICE, 0);
    }

    function test_RevertWhen_setLimits_others() public {
        address[3] memory callers = [_executor, stranger, address(entryPoint)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentAccount.Unauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            requester.setLimits(address(usdc), 1, 1);
        }
    }

    /* ONE PAYMENT */

    function test_RevertWhen_unset() public {
        Order memory order = _created(1, PRICE);
        setLimits(requester, address(usdc), 0, 0);
        _refuse(order, 0);
        assertPhase(order, Phase.NEGOTIATION);
    }

    function testFuzz_onePayment(uint120 amount, uint80 perOrder, uint80 perDay) public {
        amount = uint120(bound(amount, 1, type(uint120).max));
        mint(requester, amount);
        Order memory order = _created(1, amount);
        setLimits(requester, address(usdc), perOrder, perDay);
        uint256 left = perOrder < perDay ? perOrder : perDay;
        if (amount > left) {
            _refuse(order, left);
            _assertLimits(address(usdc), perOrder, perDay, 0);
        } else {
            _pay(order);
            _assertLimits(address(usdc), perOrder, perDay, uint80(amount));
        }
    }

    function test_failedPaymentIsNotCounted() public {
        Order memory order = newOrder(1); // never created
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, vault.hashOrder(order), Phase.NONE));
        _pay(order);
        _assertSpent(0);
    }

    function test_refundGivesNothingBack() public {
        Order memory order = _created(1, PRICE);
        Order memory next = _created(2, PRICE);
        setLimits(requester, address(usdc), PRICE, PRICE);
        _pay(order);
        vm.prank(vm.addr(PROVIDER_KEY));
        provider.executeOrderSteps(rejectSteps(order));
        assertPhase(order, Phase.REJECTED);
        _refuse(next, 0);
    }

    /* WHOEVER ENTERS */

    function test_operationsAreCounted() public {
        Order memory order = _created(1, PRICE);
        Order memory next = _created(2, PRICE);
        setLimits(requester, address(usdc), PRICE, PRICE + 1);
        vm.assertTrue(handle(executorOp(requester, REQUESTER_KEY, lane(order), paySteps(order))), "within");

        vm.recordLogs();
        send(executorOp(requester, REQUESTER_KEY, lane(next), paySteps(next)));
        (bool success, bytes memory revertData) = outcome();

        vm.assertFalse(success, "above");
        vm.assertEq(revertData, _limitExceeded(PRICE, 1), "revert data");
        assertPhase(next, Phase.NEGOTIATION);
    }

    function test_stepsThatTheOwnerSignedAreCounted() public {
        Order memory order = _created(1, PRICE);
        setLimits(requester, address(usdc), PRICE, PRICE);
        PackedUserOperation memory op =
            newOp(requester, 0, abi.encodeCall(AgentAccount.executeOrderSteps, (paySteps(order))));
        sponsor(op);
        signOp(op, OWNER_KEY);
        vm.assertTrue(handle(op), "success");
        _assertSpent(PRICE);
    }

    function test_paymentFromAnAllowanceOfTheOwnerIsCounted() public {
        Order memory order = _created(1, PRICE);
        vm.prank(owner);
        requester.execute(calls(address(usdc), 0, abi.encodeCall(usdc.approve, (address(vault), type(uint256).max))));
        setLimits(requester, address(usdc), PRICE - 1, PRICE);
        Step[] memory bare = steps(address(vault), abi.encodeCall(ICAPVault.payOrder, (order)));

        vm.expectRevert(_limitExceeded(PRICE, PRICE - 1));
        vm.prank(_executor);
        requester.executeOrderSteps(bare);

        setLimits(requester, address(usdc), PRICE, PRICE);
        vm.prank(_executor);
        requester.executeOrderSteps(bare);
        _assertSpent(PRICE);
    }

    function test_createAndPayIsCounted() public {
        Order memory order = newOrder(1);
        Step[] memory list = createAndPaySteps(order);
        setLimits(requester, address(usdc), PRICE - 1, PRICE);
        vm.expectRevert(_limitExceeded(PRICE, PRICE - 1));
        vm.prank(_executor);
        requester.executeOrderSteps(list);

        setLimits(requester, address(usdc), PRICE, PRICE);
        vm.prank(_executor);
        requester.executeOrderSteps(list);
        assertPhase(order, Phase.LOCK);
        _assertSpent(PRICE);
    }

    function test_paymentOfTheOwnerIsNotCounted() public {
        Order memory order = _created(1, PRICE);
        setLimits(requester, address(usdc), 0, 0);
        Step[] memory payment = paySteps(order);
        Call[] memory list = new Call[](2);
        list[0] = Call(payment[0].target, 0, payment[0].data);
        list[1] = Call(payment[1].target, 0, payment[1].data);
        vm.prank(owner);
        requester.execute(list);
        assertPhase(order, Phase.LOCK);
        _assertSpent(0);
    }

    /* SEVERAL PAYMENTS */

    /// @dev A model of one day beside the account.
    function testFuzz_severalPayments(uint80[8] calldata amounts, uint80 perOrder, uint80 perDay) public {
        uint256 spent;
        for (uint64 i = 0; i < amounts.length; ++i) {
            uint80 amount = uint80(bound(amounts[i], 1, uint256(perOrder) + perDay / 4 + 1));
            mint(requester, amount);
            Order memory order = _created(i, amount);
            setLimits(requester, address(usdc), perOrder, perDay);
            uint256 left = perDay - spent < perOrder ? perDay - spent : perOrder;
            if (amount > left) {
                _refuse(order, left);
            } else {
                _pay(order);
                spent += amount;
            }
            _assertLimits(address(usdc), perOrder, perDay, uint80(spent));
        }
    }

    function test_severalPaymentsInOneOperation() public {
        Order memory first = _created(1, PRICE);
        Order memory second = _created(2, PRICE);
        Step[] memory list = new Step[](4);
        (list[0], list[1]) = (paySteps(first)[0], paySteps(first)[1]);
        (list[2], list[3]) = (paySteps(second)[0], paySteps(second)[1]);
        setLimits(requester, address(usdc), PRICE, 2 * PRICE - 1);

        vm.expectRevert(_limitExceeded(PRICE, PRICE - 1));
        vm.prank(_executor);
        requester.executeOrderSteps(list);
        assertPhase(first, Phase.NEGOTIATION);
        _assertSpent(0);

        setLimits(requester, address(usdc), PRICE, 2 * PRICE);
        vm.prank(_executor);
        requester.executeOrderSteps(list);
        assertPhase(second, Phase.LOCK);
        _assertSpent(2 * PRICE);
    }

    function test_severalOperationsInOneBundle() public {
        PackedUserOperation[] memory ops = new PackedUserOperation[](3);
        for (uint64 i = 0; i < 3; ++i) {
            ops[i] = executorOp(requester, REQUESTER_KEY, uint192(1 + i), paySteps(_created(i, PRICE)));
        }
        setLimits(requester, address(usdc), PRICE, 2 * PRICE);

        vm.prank(bundler, bundler);
        entryPoint.handleOps(ops, beneficiary);

        assertPhase(_order(0, PRICE), Phase.LOCK);
        assertPhase(_order(1, PRICE), Phase.LOCK);
        assertPhase(_order(2, PRICE), Phase.NEGOTIATION); // though every one of them was valid before any ran
        _assertSpent(2 * PRICE);
    }

    function test_tokensAreCountedApart() public {
        ReenteringToken other = _otherToken();
        setLimits(requester, address(other), PRICE, PRICE);
        setLimits(requester, address(usdc), type(uint80).max, type(uint80).max);
        Order memory inUsdc = _created(1, PRICE);
        Order memory inOther = _order(2, PRICE);
        inOther.token = address(other);
        create(inOther);
        setLimits(requester, address(usdc), PRICE, PRICE);

        _pay(inUsdc);
        _pay(inOther);

        _assertSpent(PRICE);
        _assertLimits(address(other), PRICE, PRICE, PRICE);
    }

    /* DAYS */

    function testFuzz_midnight(uint256 day) public {
        uint256 midnight = bound(day, START / 1 days + 1, type(uint16).max) * 1 days;
        vm.warp(midnight - 2);
        Order memory first = _created(1, PRICE);
        Order memory second = _created(2, PRICE);
        setLimits(requester, address(usdc), PRICE, PRICE);
        vm.warp(midnight - 1);
        _pay(first);
        _assertSpent(PRICE);
        _refuse(second, 0);

        vm.warp(midnight);
        _assertSpent(0);
        _pay(second);
        _assertSpent(PRICE);
    }

    function test_RevertWhen_theSameDayLater() public {
        vm.warp(START / 1 days * 1 days);
        Order memory first = _created(1, PRICE);
        Order memory second = _created(2, PRICE);
        setLimits(requester, address(usdc), PRICE, PRICE);
        _pay(first);
        vm.warp(vm.getBlockTimestamp() + 1 days - 1);
        _refuse(second, 0);
    }

    function test_limitsChangedDuringADay() public {
        Order memory first = _created(1, PRICE);
        Order memory second = _created(2, PRICE);
        setLimits(requester, address(usdc), PRICE, PRICE);
        _pay(first);

        setLimits(requester, address(usdc), PRICE, PRICE - 1); // below what was spent
        _assertLimits(address(usdc), PRICE, PRICE - 1, PRICE);
        _refuse(second, 0);
        setLimits(requester, address(usdc), PRICE, 2 * PRICE - 1);
        _refuse(second, PRICE - 1);
        setLimits(requester, address(usdc), PRICE, 2 * PRICE);
        _pay(second);
        _assertSpent(2 * PRICE);
    }

    /* HOSTILE TOKEN */

    /// @dev A token that is the Executor too, so that the account lets it in while it approves.
    function test_tokenReentersAsExecutor() public {
        ReenteringToken token = _otherToken();
        setLimits(requester, address(token), type(uint80).max, type(uint80).max);
        (Order memory first, Order memory second) = (_order(1, PRICE), _order(2, PRICE));
        (first.token, second.token) = (address(token), address(token));
        create(first);
        create(second);
        vm.prank(owner);
        requester.setExecutor(address(token));
        Step[] memory bare = steps(address(vault), abi.encodeCall(ICAPVault.payOrder, (second)));
        token.attack(address(requester), abi.encodeCall(AgentAccount.executeOrderSteps, (bare)));
        Step[] memory list = paySteps(first);

        setLimits(requester, address(token), PRICE, 2 * PRICE - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAgentAccount.LimitExceeded.selector, address(token), PRICE, uint256(PRICE) - 1)
        );
        vm.prank(address(token));
        requester.executeOrderSteps(list);
        assertPhase(second, Phase.NEGOTIATION);

        setLimits(requester, address(token), PRICE, 2 * PRICE);
        vm.prank(address(token));
        requester.executeOrderSteps(list);
        assertPhase(first, Phase.LOCK);
        assertPhase(second, Phase.LOCK);
        _assertLimits(address(token), PRICE, 2 * PRICE, 2 * PRICE);
    }

    /* HELPERS */

    function _order(uint64 salt, uint120 amount) private view returns (Order memory order) {
        order = newOrder(salt);
        order.amount = amount;
    }

    /// @dev By the Requester itself, whose call consents whatever its limits are.
    function _created(uint64 salt, uint120 amount) private returns (Order memory order) {
        order = _order(salt, amount);
        Step[] memory list = createSteps(order);
        vm.prank(_executor);
        requester.executeOrderSteps(list);
    }

    function _otherToken() private returns (ReenteringToken token) {
        token = new ReenteringToken();
        vm.prank(platform);
        vault.setToken(address(token), true, 1000);
    }

    function _pay(Order memory order) private {
        Step[] memory list = paySteps(order);
        vm.prank(_executor);
        requester.executeOrderSteps(list);
    }

    function _refuse(Order memory order, uint256 left) private {
        vm.expectRevert(_limitExceeded(order.amount, left));
        _pay(order);
    }

    function _limitExceeded(uint256 requested, uint256 left) private view returns (bytes memory) {
        return abi.encodeWithSelector(IAgentAccount.LimitExceeded.selector, address(usdc), requested, left);
    }

    function _assertSpent(uint256 expected) private view {
        (,, uint80 spentToday) = requester.limits(address(usdc));
        vm.assertEq(spentToday, expected, "spent today");
    }

    function _assertLimits(address token, uint80 perOrder, uint80 perDay, uint80 spentToday) private view {
        (uint80 perOrder_, uint80 perDay_, uint80 spentToday_) = requester.limits(token);
        vm.assertEq(perOrder_, perOrder, "per order");
        vm.assertEq(perDay_, perDay, "per day");
        vm.assertEq(spentToday_, spentToday, "spent today");
    }
}
