// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {IAgentAccount, Step} from "../../../contracts/interfaces/IAgentAccount.sol";
import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {AccountTest} from "./AccountTest.sol";
import {ReenteringToken} from "./ReenteringToken.sol";

contract ExecuteOrderStepsTest is AccountTest {
    address private _executor = vm.addr(REQUESTER_KEY);

    /* ALLOWED */

    function test_orderSteps() public {
        Order memory order = newOrder(1);
        mint(requester, PRICE);
        _run(createSteps(order));
        assertPhase(order, Phase.NEGOTIATION);
        _run(paySteps(order));
        assertPhase(order, Phase.LOCK);
        vm.prank(vm.addr(PROVIDER_KEY));
        provider.executeOrderSteps(deliverSteps(order));
        assertPhase(order, Phase.CLEAR);
    }

    function test_rejectAndExpire() public {
        (Order memory first, Order memory second) = (newOrder(1), newOrder(2));
        create(first);
        create(second);
        _run(rejectSteps(first));
        assertPhase(first, Phase.REJECTED);
        vm.warp(uint256(second.payDeadline) + 1);
        _run(steps(address(vault), abi.encodeCall(ICAPVault.expireOrder, (second))));
        assertPhase(second, Phase.EXPIRED);
    }

    function test_entryPointMayCall() public {
        Order memory order = newOrder(1);
        Step[] memory list = createSteps(order);
        vm.prank(address(entryPoint));
        requester.executeOrderSteps(list);
        assertPhase(order, Phase.NEGOTIATION);
    }

    function test_createAndPayTogether() public {
        Order memory order = newOrder(1);
        mint(requester, PRICE);
        _run(_join(createSteps(order), paySteps(order)));
        assertPhase(order, Phase.LOCK);
    }

    function test_createAndPayAtOnce() public {
        Order memory order = newOrder(1);
        mint(requester, PRICE);
        _run(createAndPaySteps(order));
        assertPhase(order, Phase.LOCK);
        vm.assertEq(usdc.allowance(address(requester), address(vault)), 0, "allowance used up");
    }

    function test_release() public {
        Order memory order = _underReview();
        _run(steps(address(vault), abi.encodeCall(ICAPVault.releaseOrder, (order))));
        assertPhase(order, Phase.CLEAR);
    }

    function test_dispute() public {
        Order memory order = _underReview();
        _run(steps(address(vault), abi.encodeCall(ICAPVault.disputeOrder, (order, REASON))));
        assertPhase(order, Phase.DISPUTE);
    }

    function test_payTwoOrders() public {
        (Order memory first, Order memory second) = (newOrder(1), newOrder(2));
        create(first);
        create(second);
        mint(requester, uint256(PRICE) * 2);
        _run(_join(paySteps(first), paySteps(second)));
        assertPhase(first, Phase.LOCK);
        assertPhase(second, Phase.LOCK);
        vm.assertEq(usdc.balanceOf(address(requester)), 0, "paid both");
    }

    function test_payWithAnAllowanceOfTheOwner() public {
        Order memory order = newOrder(1);
        create(order);
        mint(requester, PRICE);
        vm.prank(owner);
        requester.execute(calls(address(usdc), 0, abi.encodeCall(usdc.approve, (address(vault), PRICE))));
        _run(steps(address(vault), abi.encodeCall(ICAPVault.payOrder, (order))));
        assertPhase(order, Phase.LOCK);
    }

    function test_claimToTheAccount() public {
        Order memory order = newOrder(1);
        create(order);
        pay(order);
        vm.prank(platform);
        usdc.blacklist(address(requester)); // so that the refund cannot be pushed
        vm.prank(vm.addr(PROVIDER_KEY));
        provider.executeOrderSteps(rejectSteps(order));
        vm.assertEq(vault.claimable(address(usdc), address(requester)), PRICE, "deferred");
        vm.prank(platform);
        usdc.unBlacklist(address(requester));

        _run(steps(address(vault), abi.encodeCall(ICAPVault.claim, (address(usdc), address(requester)))));

        vm.assertEq(usdc.balanceOf(address(requester)), PRICE, "claimed");
    }

    function test_noSteps() public {
        _run(new Step[](0));
    }

    function test_failingStep() public {
        Order memory order = newOrder(1);
        mint(requester, PRICE);
        Step[] memory list = _join(_join(createSteps(order), paySteps(order)), paySteps(order));
        // The second payment finds the order paid; the first one must be undone with it.
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, vault.hashOrder(order), Phase.LOCK));
        _run(list);
        assertPhase(order, Phase.NONE);
    }

    /* CALLERS */

    function test_RevertWhen_others() public {
        address[4] memory callers = [owner, stranger, address(requester), vm.addr(PROVIDER_KEY)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentAccount.Unauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            requester.executeOrderSteps(rejectSteps(newOrder(1)));
        }
    }

    /* REFUSED */

    function test_RevertWhen_otherFunctionsOfTheVault() public {
        _refuse(address(vault), abi.encodeCall(ICAPVault.sweepFees, (address(usdc))));
        _refuse(address(vault), abi.encodeCall(ICAPVault.setToken, (address(usdc), true, 1)));
        _refuse(address(vault), abi.encodeCall(ICAPVault.setTreasury, (stranger)));
        _refuse(address(vault), abi.encodeCall(Ownable.transferOwnership, (stranger)));
        _refuse(address(vault), abi.encodeCall(Ownable.renounceOwnership, ()));
        _refuse(address(vault), abi.encodeCall(Ownable2Step.acceptOwnership, ()));
        _refuse(address(vault), abi.encodeCall(vault.push, (address(usdc), stranger, 1)));
        _refuse(address(vault), abi.encodeCall(ICAPVault.treasury, ()));
        Order memory order = newOrder(1);
        _refuse(address(vault), abi.encodeCall(ICAPVault.approveOrder, (order)));
        _refuse(address(vault), abi.encodeCall(ICAPVault.resolveDispute, (order, PRICE, REASON)));
        _refuse(address(vault), abi.encodeCall(ICAPVault.payOrderWithAuthorization, (order, "")));
        _refuse(address(vault), abi.encodeCall(ICAPVault.createAndPayOrderWithAuthorization, (order, "", "")));
        _refuse(address(vault), abi.encodeCall(ICAPVault.expireOrders, (new Order[](1))));
        _refuse(address(vault), abi.encodeCall(IERC20.approve, (address(vault), 1)));
    }

    function testFuzz_RevertWhen_otherSelectorsOfTheVault(bytes4 selector, bytes calldata arguments) public {
        vm.assume(!_isOrderStep(selector));
        _refuse(address(vault), abi.encodePacked(selector, arguments));
        // with the very arguments of a claim that is allowed
        _refuse(address(vault), abi.encodeWithSelector(selector, address(usdc), address(requester)));
    }

    function testFuzz_RevertWhen_otherTargets(address target, bytes calldata data) public {
        vm.assume(target != address(vault));
        _refuse(target, data);
    }

    function test_RevertWhen_orderStepsElsewhere() public {
        Order memory order = newOrder(1);
        address other = vm.deployCode("CAPVault.sol:CAPVault", abi.encode(platform, treasury));
        _refuse(other, createSteps(order)[0].data);
        _refuse(other, abi.encodeCall(ICAPVault.payOrder, (order)));
        _refuse(other, createAndPaySteps(order)[1].data);
        _refuse(other, abi.encodeCall(ICAPVault.releaseOrder, (order)));
        _refuse(other, abi.encodeCall(ICAPVault.disputeOrder, (order, REASON)));
        _refuse(other, deliverSteps(order)[0].data);
        _refuse(other, rejectSteps(order)[0].data);
        _refuse(other, abi.encodeCall(ICAPVault.expireOrder, (order)));
        _refuse(other, abi.encodeCall(ICAPVault.claim, (address(usdc), address(requester))));
    }

    function test_RevertWhen_tokenFunctions() public {
        _refuse(address(usdc), abi.encodeCall(IERC20.transfer, (stranger, 1)));
        _refuse(address(usdc), abi.encodeCall(IERC20.transfer, (address(vault), 1)));
        _refuse(address(usdc), abi.encodeCall(IERC20.transferFrom, (address(requester), stranger, 1)));
        _refuse(address(usdc), abi.encodeCall(IERC20.approve, (stranger, 1)));
        _refuse(address(usdc), abi.encodeWithSignature("increaseAllowance(address,uint256)", address(vault), 1));
        _refuse(address(usdc), abi.encodeWithSignature("permit(address,address,uint256,uint256,bytes)", 0, 0, 0, 0, ""));
    }

    function test_RevertWhen_infrastructure() public {
        _refuse(address(requester), abi.encodeCall(AgentAccount.setExecutor, (stranger)));
        _refuse(address(requester), abi.encodeCall(AgentAccount.setLimits, (address(usdc), 1, 1)));
        _refuse(address(requester), abi.encodeCall(AgentAccount.execute, (calls(stranger, 1, ""))));
        _refuse(address(entryPoint), abi.encodeCall(entryPoint.withdrawTo, (payable(stranger), 1)));
        _refuse(address(entryPoint), abi.encodeCall(entryPoint.incrementNonce, (0)));
        _refuse(address(factory), abi.encodeCall(factory.createAccount, (stranger, stranger, 0)));
        _refuse(address(paymaster), abi.encodeCall(paymaster.withdraw, (payable(stranger), 1)));
    }

    function test_RevertWhen_shorterThanASelector() public {
        _refuse(address(vault), "");
        _refuse(address(vault), hex"00");
        _refuse(address(vault), abi.encodePacked(bytes3(ICAPVault.payOrder.selector)));
        _refuse(address(usdc), abi.encodePacked(bytes3(IERC20.approve.selector)));
    }

    function testFuzz_RevertWhen_paymentShorterThanAnOrder(uint256 length) public {
        length = bound(length, 4, 4 + 448 - 1);
        _refuse(address(vault), _cut(paySteps(newOrder(1))[1].data, length));
        _refuse(address(vault), _cut(createAndPaySteps(newOrder(1))[1].data, length));
    }

    function testFuzz_RevertWhen_claimElsewhere(address to, uint96 dirt) public {
        vm.assume(to != address(requester));
        vm.assume(dirt != 0);
        _refuse(address(vault), abi.encodeCall(ICAPVault.claim, (address(usdc), to)));
        uint256 dirty = uint256(dirt) << 160 | uint160(address(requester));
        _refuse(address(vault), abi.encodeWithSelector(ICAPVault.claim.selector, address(usdc), dirty));
        bytes memory exact = abi.encodeCall(ICAPVault.claim, (address(usdc), address(requester)));
        _refuse(address(vault), abi.encodePacked(exact, bytes1(0)));
        _refuse(address(vault), _cut(exact, exact.length - 1));
    }

    /* APPROVALS */

    function test_RevertWhen_approvalWithoutPayment() public {
        Order memory order = newOrder(1);
        Step[] memory list = paySteps(order);
        create(order);
        mint(requester, uint256(PRICE) * 2);
        Step memory approval = list[0];
        _refuse(address(usdc), approval.data);
        _refuseFirst(_two(approval, approval));
        _refuseFirst(_two(approval, rejectSteps(order)[0]));
        // payment first: the approval is last
        vm.expectRevert(_notAllowed(approval));
        _run(_join(list, steps(address(usdc), approval.data)));
        // a step in between
        _refuseFirst(_join(_two(approval, rejectSteps(newOrder(2))[0]), steps(address(vault), list[1].data)));
        assertPhase(order, Phase.NEGOTIATION);
        vm.assertEq(usdc.allowance(address(requester), address(vault)), 0, "allowance");
    }

    function testFuzz_RevertWhen_approvalDoesNotMatch(address spender, uint256 amount, address token, uint96 dirt)
        public
    {
        vm.assume(spender != address(vault) && amount != PRICE && dirt != 0);
        vm.assume(token != address(usdc) && token != address(vault));
        Order memory order = newOrder(1);
        create(order);
        mint(requester, PRICE);
        Step[2] memory payments = [paySteps(order)[1], createAndPaySteps(order)[1]];
        uint256 dirty = uint256(dirt) << 160 | uint160(address(vault));

        for (uint256 i = 0; i < payments.length; ++i) {
            _refuseFirst(_two(_approval(address(usdc), uint160(spender), PRICE), payments[i]));
            _refuseFirst(_two(_approval(address(usdc), uint160(address(vault)), amount), payments[i]));
            _refuseFirst(_two(_approval(token, uint160(address(vault)), PRICE), payments[i]));
            _refuseFirst(_two(_approval(address(usdc), dirty, PRICE), payments[i]));
            // a transfer with the very arguments of an approval that is allowed
            bytes memory transfer = abi.encodeCall(IERC20.transfer, (address(vault), PRICE));
            _refuseFirst(_two(Step(address(usdc), transfer), payments[i]));
        }
    }

    function test_RevertWhen_approvalOrPaymentIsMalformed() public {
        Order memory order = newOrder(1);
        create(order);
        mint(requester, PRICE);
        Step[] memory list = paySteps(order);
        (Step memory approval, Step memory payment) = (list[0], list[1]);

        _refuseFirst(_two(Step(address(usdc), abi.encodePacked(approval.data, bytes32(0))), payment));
        _refuseFirst(_two(Step(address(usdc), _cut(approval.data, 67)), payment));
        _refuseFirst(_two(approval, Step(address(vault), _cut(payment.data, 451))));
        _refuseFirst(_two(approval, Step(address(vault), "")));
        _refuseFirst(_two(approval, Step(address(usdc), payment.data)));
        // an order whose token word has dirty upper bits
        bytes memory dirty = payment.data;
        dirty[4 + 64] = 0x01;
        _refuseFirst(_two(approval, Step(address(vault), dirty)));
    }

    function test_approvalOfATokenWithoutCode() public {
        Order memory order = newOrder(1);
        order.token = stranger;
        setLimits(requester, stranger, type(uint80).max, type(uint80).max);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, vault.hashOrder(order), Phase.NONE));
        _run(paySteps(order));
    }

    function test_tokenReenters() public {
        mint(requester, PRICE);
        vm.deal(address(requester), 1 ether);
        ReenteringToken token = new ReenteringToken();
        vm.prank(platform);
        vault.setToken(address(token), true, 1000);
        setLimits(requester, address(token), PRICE, PRICE);
        Order memory order = newOrder(1);
        order.token = address(token);
        create(order);
        token.attack(address(requester), abi.encodeCall(AgentAccount.execute, (calls(address(token), 1 ether, ""))));
        token.attack(address(requester), abi.encodeCall(AgentAccount.executeOrderSteps, (rejectSteps(order))));
        token.attack(address(requester), abi.encodeCall(AgentAccount.setExecutor, (address(token))));
        token.attack(address(requester), abi.encodeCall(AgentAccount.setLimits, (address(token), 1, 1)));
        token.attack(address(vault), abi.encodeCall(ICAPVault.rejectOrder, (order, REASON)));

        _run(paySteps(order));

        assertPhase(order, Phase.LOCK);
        vm.assertEq(token.attacks(), 10, "five from approve, five from transferFrom");
        vm.assertEq(token.successes(), 0, "successes");
        vm.assertEq(address(requester).balance, 1 ether, "ETH");
        vm.assertEq(requester.executor(), _executor, "executor");
    }

    /* WHATEVER THE STEPS ARE */

    /// @dev Steps drawn from every contract and the selectors that matter, with hostile arguments.
    function testFuzz_movesNothing(uint256[6] calldata seeds, bytes32 noise) public {
        Order memory order = newOrder(1);
        create(order);
        mint(requester, PRICE);
        vm.deal(address(requester), 1 ether);
        Step[] memory list = new Step[](6);
        for (uint256 i = 0; i < 6; ++i) {
            list[i] = _anyStep(seeds[i], noise, order);
        }

        vm.prank(_executor);
        (bool success,) = address(requester).call(abi.encodeCall(AgentAccount.executeOrderSteps, (list)));

        (Phase phase,,,,) = vault.orderState(vault.hashOrder(order));
        uint256 locked = success && phase == Phase.LOCK ? PRICE : 0;
        vm.assertEq(usdc.balanceOf(address(requester)), PRICE - locked, "USDC only into the vault");
        vm.assertEq(usdc.balanceOf(address(vault)), locked, "vault");
        vm.assertEq(usdc.allowance(address(requester), address(vault)), 0, "no allowance left");
        vm.assertEq(usdc.allowance(address(requester), stranger), 0, "no other allowance");
        vm.assertEq(address(requester).balance, 1 ether, "ETH");
        vm.assertEq(requester.executor(), _executor, "executor");
    }

    function _anyStep(uint256 seed, bytes32 noise, Order memory order) private view returns (Step memory) {
        Step[] memory payment = paySteps(order);
        uint256 choice = seed % 12;
        if (choice < 4) return payment[choice % 2]; // so that allowed pairs come up often
        if (choice == 4) return Step(address(usdc), abi.encodeCall(IERC20.transfer, (stranger, PRICE)));
        if (choice == 5) return Step(address(usdc), abi.encodeCall(IERC20.approve, (stranger, PRICE)));
        if (choice == 6) return Step(address(usdc), abi.encodeCall(IERC20.approve, (address(vault), uint256(noise))));
        if (choice == 7) return Step(address(requester), abi.encodeCall(AgentAccount.setExecutor, (stranger)));
        if (choice == 8) {
            return Step(address(requester), abi.encodeCall(AgentAccount.execute, (calls(stranger, 1 ether, ""))));
        }
        if (choice == 9) return Step(address(vault), abi.encodeCall(ICAPVault.claim, (address(usdc), stranger)));
        if (choice == 10) return Step(address(usdc), abi.encodePacked(noise));
        return Step(address(vault), abi.encodePacked(ICAPVault.payOrder.selector, noise, abi.encode(order)));
    }

    /* HELPERS */

    /// @dev Delivered, and the Requester's to judge.
    function _underReview() private returns (Order memory order) {
        order = newOrder(1);
        (order.arbiter, order.reviewSeconds) = (stranger, 1 hours);
        create(order);
        pay(order);
        Step[] memory list = deliverSteps(order);
        vm.prank(vm.addr(PROVIDER_KEY));
        provider.executeOrderSteps(list);
    }

    function _run(Step[] memory list) private {
        vm.prank(_executor);
        requester.executeOrderSteps(list);
    }

    function _refuse(address target, bytes memory data) private {
        _refuseFirst(steps(target, data));
    }

    function _refuseFirst(Step[] memory list) private {
        vm.expectRevert(_notAllowed(list[0]));
        _run(list);
    }

    function _notAllowed(Step memory step) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAgentAccount.NotAllowed.selector, step.target, bytes4(step.data));
    }

    function _isOrderStep(bytes4 selector) private pure returns (bool) {
        return selector == ICAPVault.createOrder.selector || selector == ICAPVault.payOrder.selector
            || selector == ICAPVault.createAndPayOrder.selector || selector == ICAPVault.deliverOrder.selector
            || selector == ICAPVault.releaseOrder.selector || selector == ICAPVault.disputeOrder.selector
            || selector == ICAPVault.rejectOrder.selector || selector == ICAPVault.expireOrder.selector
            || selector == ICAPVault.claim.selector;
    }

    function _approval(address token, uint256 spender, uint256 amount) private pure returns (Step memory) {
        return Step(token, abi.encodeWithSelector(IERC20.approve.selector, spender, amount));
    }

    function _two(Step memory first, Step memory second) private pure returns (Step[] memory list) {
        list = new Step[](2);
        (list[0], list[1]) = (first, second);
    }

    function _join(Step[] memory first, Step[] memory second) private pure returns (Step[] memory list) {
        list = new Step[](first.length + second.length);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = i < first.length ? first[i] : second[i - first.length];
        }
    }

    function _cut(bytes memory data, uint256 length) private pure returns (bytes memory cut) {
        cut = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            cut[i] = data[i];
        }
    }
}
