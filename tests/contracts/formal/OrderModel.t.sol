// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {Phases} from "../../../contracts/libraries/Phases.sol";
import {VaultTest} from "../CAPVault/VaultTest.sol";
import {OrderModel} from "./OrderModel.sol";

/// @notice What is proved of the model holds for the vault as far as both agree: the same calls succeed, and lead to the same state.
contract OrderModelTest is VaultTest {
    using Phases for Phase;

    function testFuzz_vaultFollowsTheModel(Order memory seed, uint256[24] memory steps) public {
        Order memory order = anyOrder(seed);
        fund(order);
        OrderModel model =
            new OrderModel(order.payDeadline, order.slaSeconds, order.reviewSeconds, order.approver != address(0));
        for (uint256 i = 0; i < steps.length; ++i) {
            if (steps[i] % 4 == 0) _jump(model.deadline(), steps[i] >> 64);
            OrderModel.Actor actor = OrderModel.Actor(uint8(steps[i] >> 16) % 5);
            (bytes memory modelCall, bytes memory vaultCall) =
                _call(model, order, actor, uint8(steps[i] >> 8) % 10, steps[i] >> 24 & 1 == 1);
            (bool expected,) = address(model).call(modelCall);
            vm.prank(_address(actor));
            (bool found,) = address(vault).call(vaultCall);
            vm.assertEq(found, expected, "succeeds");
            _compare(model, order);
        }
    }

    /// @dev To the deadline's last second, to the first one after it, or on by up to a day.
    function _jump(uint256 deadline, uint256 how) private {
        uint256 now_ = vm.getBlockTimestamp();
        if (how % 3 == 0 || deadline < now_) vm.warp(now_ + (how >> 8) % 1 days);
        else vm.warp(deadline + how % 3 - 1);
    }

    /// @dev The same call to the model and to the vault. `flag` is whatever else the call depends on.
    function _call(OrderModel model, Order memory order, OrderModel.Actor actor, uint256 which, bool flag)
        private
        view
        returns (bytes memory, bytes memory)
    {
        bytes32 id = vault.hashOrder(order);
        bytes memory providerSig = flag ? sign(PROVIDER_KEY, id) : bytes("");
        bool pays = actor == OrderModel.Actor.REQUESTER;
        bool sells = actor == OrderModel.Actor.PROVIDER;
        if (which == 0) {
            return (
                abi.encodeCall(model.create, (flag || sells)),
                abi.encodeCall(ICAPVault.createOrder, (order, sign(REQUESTER_KEY, id), providerSig))
            );
        }
        if (which == 1) return (abi.encodeCall(model.pay, (pays)), abi.encodeCall(ICAPVault.payOrder, (order)));
        if (which == 2) {
            return (
                abi.encodeCall(model.createAndPay, (pays, flag)),
                abi.encodeCall(ICAPVault.createAndPayOrder, (order, providerSig))
            );
        }
        if (which == 3) {
            return (abi.encodeCall(model.approve, (actor)), abi.encodeCall(ICAPVault.approveOrder, (order)));
        }
        if (which == 4) {
            return
                (abi.encodeCall(model.deliver, (actor)), abi.encodeCall(ICAPVault.deliverOrder, (order, DELIVERABLE)));
        }
        if (which == 5) {
            return (abi.encodeCall(model.release, (actor)), abi.encodeCall(ICAPVault.releaseOrder, (order)));
        }
        if (which == 6) {
            return (
                model.phase() == Phase.LOCK
                    ? abi.encodeCall(model.disputeBeforeDelivery, (actor))
                    : abi.encodeCall(model.disputeAfterDelivery, (actor)),
                abi.encodeCall(ICAPVault.disputeOrder, (order, REASON))
            );
        }
        if (which == 7) {
            return (
                abi.encodeCall(model.resolve, (actor, flag)),
                abi.encodeCall(ICAPVault.resolveDispute, (order, flag ? order.amount / 2 + 1 : 0, REASON))
            );
        }
        if (which == 8) {
            return (abi.encodeCall(model.reject, (actor)), abi.encodeCall(ICAPVault.rejectOrder, (order, REASON)));
        }
        return (abi.encodeCall(model.expire, ()), abi.encodeCall(ICAPVault.expireOrder, (order)));
    }

    function _address(OrderModel.Actor actor) private view returns (address) {
        return [requester, provider, arbiter, approver, stranger][uint256(actor)];
    }

    function _compare(OrderModel model, Order memory order) private view {
        bytes32 id = vault.hashOrder(order);
        (Phase phase, bool approved, bool disputed,, bytes25 hashPrefix) = vault.orderState(id);
        vm.assertEq(uint256(phase), uint256(model.phase()), "phase");
        vm.assertEq(approved, model.approved(), "approved");
        vm.assertEq(disputed, model.disputed(), "disputed");
        vm.assertEq(hashPrefix != 0, model.delivered(), "delivered");
        uint256 credited = accruedFees() + vault.claimable(address(token), commissionTo);
        vm.assertEq(token.balanceOf(address(vault)), phase.isFunded() ? order.amount : credited, "held");
    }
}
