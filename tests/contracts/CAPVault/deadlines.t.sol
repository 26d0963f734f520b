// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

/// @notice What one side may do against the other is valid up to a second, the exit open to anyone from the next one on: at each
/// second exactly one of the two. And whoever stays silent, there is such an exit.
contract DeadlinesTest is VaultTest {
    /* LOCK */

    function testFuzz_deliverOrExpire(Order memory seed, uint256 when) public {
        (Order memory order, uint256 deadline) = locked(seed);
        expectOneOf(
            deadline,
            when,
            provider,
            abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE)),
            abi.encodeCall(vault.expireOrder, (order))
        );
    }

    function testFuzz_disputeOrExpire(Order memory seed, uint256 when, bool byRequester) public {
        (Order memory order, uint256 deadline) = locked(seed);
        expectOneOf(
            deadline,
            when,
            byRequester ? requester : provider,
            abi.encodeCall(vault.disputeOrder, (order, REASON)),
            abi.encodeCall(vault.expireOrder, (order))
        );
    }

    function testFuzz_resolveOrExpire(Order memory seed, uint256 when, uint256 part) public {
        (Order memory order, uint256 deadline) = locked(seed);
        dispute(order);
        expectOneOf(
            deadline,
            when,
            arbiter,
            abi.encodeCall(vault.resolveDispute, (order, bound(part, 0, order.amount), REASON)),
            abi.encodeCall(vault.expireOrder, (order))
        );
    }

    /* DELIVER */

    function testFuzz_disputeOrTimedRelease(Order memory seed, uint256 when, bool flagged) public {
        (Order memory order, uint256 deadline) = delivered(seed, flagged);
        expectOneOf(
            deadline,
            when,
            requester,
            abi.encodeCall(vault.disputeOrder, (order, REASON)),
            abi.encodeCall(vault.releaseOrder, (order))
        );
    }

    function testFuzz_resolveOrTimedRelease_delivered(Order memory seed, uint256 when, uint256 part) public {
        (Order memory order, uint256 deadline) = delivered(seed, true);
        expectOneOf(
            deadline,
            when,
            arbiter,
            abi.encodeCall(vault.resolveDispute, (order, bound(part, 0, order.amount), REASON)),
            abi.encodeCall(vault.releaseOrder, (order))
        );
    }

    /* DISPUTE */

    function testFuzz_resolveOrTimedRelease_disputed(Order memory seed, uint256 when, uint256 part, bool flagged)
        public
    {
        (Order memory order, uint256 deadline) = delivered(seed, flagged);
        vm.warp(deadline);
        dispute(order);
        expectOneOf(
            deadline + 30 days,
            when,
            arbiter,
            abi.encodeCall(vault.resolveDispute, (order, bound(part, 0, order.amount), REASON)),
            abi.encodeCall(vault.releaseOrder, (order))
        );
    }

    /* SILENCE */

    function testFuzz_silentApproverLocksNothing(Order memory seed) public {
        Order memory order = gatedOrder(seed);
        bring(order, Phase.LOCK);
        vm.warp(START + order.slaSeconds + 1);
        vault.expireOrder(order);
        assertMoney(Holdings({held: 0, toProvider: 0, toRequester: order.amount, fee: 0, commission: 0}));
    }

    function testFuzz_silentArbiterLocksNothing(Order memory seed, bool flagged) public {
        (Order memory order, uint256 deadline) = delivered(seed, flagged);
        dispute(order);
        vm.warp(vm.getBlockTimestamp() + 30 days + 1);
        vm.assertGe(deadline + 30 days + 1, vm.getBlockTimestamp(), "30 days after the review at the latest");
        vm.prank(stranger);
        vault.releaseOrder(order);
        assertMoney(settled(order, order.amount));
    }

    /// @dev Before delivery a dispute with a silent Arbiter ends with the SLA.
    function testFuzz_silentArbiterLocksNothing_beforeDelivery(Order memory seed) public {
        (Order memory order, uint256 deadline) = locked(seed);
        dispute(order);
        vm.warp(deadline + 1);
        vm.prank(stranger);
        vault.expireOrder(order);
        assertMoney(Holdings({held: 0, toProvider: 0, toRequester: order.amount, fee: 0, commission: 0}));
    }

    function testFuzz_silentRequesterLocksNothing(Order memory seed, bool flagged) public {
        (Order memory order, uint256 deadline) = delivered(seed, flagged);
        vm.warp(deadline + 1);
        vm.prank(stranger);
        vault.releaseOrder(order);
        assertMoney(settled(order, order.amount));
    }

    /* HELPERS */

    /// @dev A reviewed order, paid and approved, and the last second of its SLA.
    function locked(Order memory seed) private returns (Order memory order, uint256 deadline) {
        order = reviewedOrder(seed);
        bring(order, Phase.LOCK);
        if (order.approver != address(0)) approve(order);
        deadline = START + order.slaSeconds;
    }

    /// @dev The same delivered in the last second, and the last second of its review.
    function delivered(Order memory seed, bool flagged) private returns (Order memory order, uint256 deadline) {
        (order, deadline) = locked(seed);
        if (flagged) dispute(order);
        vm.warp(deadline);
        deliver(order);
        deadline += order.reviewSeconds;
    }

    function expectOneOf(uint256 deadline, uint256 when, address caller, bytes memory act, bytes memory exit) private {
        uint256[4] memory seconds_ =
            [deadline, deadline + 1, vm.getBlockTimestamp(), bound(when, vm.getBlockTimestamp(), deadline * 2)];
        for (uint256 i; i < 4; ++i) {
            vm.warp(seconds_[i]);
            vm.assertEq(possible(caller, act), seconds_[i] <= deadline, "the act");
            vm.assertEq(possible(stranger, exit), seconds_[i] > deadline, "the exit");
        }
    }
}
