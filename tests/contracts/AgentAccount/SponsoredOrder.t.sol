// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {AccountTest} from "./AccountTest.sol";

contract SponsoredOrderTest is AccountTest {
    function test_wholeOrder() public {
        Order memory order = newOrder(1);
        bytes32 orderId = vault.hashOrder(order);
        mint(requester, PRICE);

        vm.assertTrue(handle(executorOp(requester, REQUESTER_KEY, lane(order), createSteps(order))), "create");
        assertPhase(order, Phase.NEGOTIATION);
        vm.assertTrue(handle(executorOp(requester, REQUESTER_KEY, lane(order), paySteps(order))), "pay");
        assertPhase(order, Phase.LOCK);
        vm.assertEq(usdc.balanceOf(address(requester)), 0, "paid");
        vm.assertEq(usdc.allowance(address(requester), address(vault)), 0, "allowance used up");
        vm.assertTrue(handle(executorOp(provider, PROVIDER_KEY, lane(order), deliverSteps(order))), "deliver");

        assertPhase(order, Phase.CLEAR);
        vm.assertTrue(vault.isDelivered(orderId, DELIVERABLE), "hash");
        vm.assertEq(usdc.balanceOf(address(provider)), PRICE - PRICE / 10, "to Provider");
        vm.assertEq(usdc.balanceOf(address(vault)), PRICE / 10, "fee");
        vm.assertEq(address(requester).balance + address(provider).balance, 0, "ETH");
        vm.assertEq(entryPoint.balanceOf(address(requester)) + entryPoint.balanceOf(address(provider)), 0, "deposits");
    }

    function test_rejectAfterPayment() public {
        Order memory order = newOrder(1);
        create(order);
        pay(order);

        vm.assertTrue(handle(executorOp(provider, PROVIDER_KEY, lane(order), rejectSteps(order))), "reject");

        assertPhase(order, Phase.REJECTED);
        vm.assertEq(usdc.balanceOf(address(requester)), PRICE, "refund");
    }

    function test_oneBundle() public {
        mint(requester, uint256(PRICE) * 3);
        PackedUserOperation[] memory ops = new PackedUserOperation[](9);
        for (uint64 i = 0; i < 3; ++i) {
            Order memory order = newOrder(i);
            uint192 key = uint192(1 + i); // create and pay share a lane of the Requester's account
            ops[3 * i] = executorOp(requester, REQUESTER_KEY, key, createSteps(order));
            ops[3 * i + 1] = executorOp(requester, REQUESTER_KEY, key, paySteps(order));
            ops[3 * i + 1].nonce += 1;
            sponsor(ops[3 * i + 1]);
            signOp(ops[3 * i + 1], REQUESTER_KEY);
            ops[3 * i + 2] = executorOp(provider, PROVIDER_KEY, key, deliverSteps(order));
        }

        vm.prank(bundler, bundler);
        entryPoint.handleOps(ops, beneficiary);

        for (uint64 i = 0; i < 3; ++i) {
            assertPhase(newOrder(i), Phase.CLEAR);
        }
    }

    function test_sameOperationAgain() public {
        Order memory order = newOrder(1);
        PackedUserOperation memory op = executorOp(requester, REQUESTER_KEY, lane(order), createSteps(order));
        send(op);

        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA25 invalid account nonce"));
        send(op);
    }

    function test_failingStep() public {
        Order memory order = newOrder(1);
        mint(requester, PRICE);

        vm.recordLogs();
        send(executorOp(requester, REQUESTER_KEY, lane(order), paySteps(order))); // never created
        (bool success, bytes memory revertData) = outcome();

        vm.assertFalse(success, "success");
        vm.assertEq(
            revertData,
            abi.encodeWithSelector(ICAPVault.WrongPhase.selector, vault.hashOrder(order), Phase.NONE),
            "revert data"
        );
        vm.assertEq(usdc.allowance(address(requester), address(vault)), 0, "approval undone");
    }
}
