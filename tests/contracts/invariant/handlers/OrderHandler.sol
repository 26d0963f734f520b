// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order} from "../../../../contracts/interfaces/ICAPVault.sol";
import {
    Call,
    DELIVER,
    DISPUTE,
    DISPUTED,
    FUNDED,
    HAS_APPROVER,
    HAS_ARBITER,
    LOCK,
    NEGOTIATION,
    NOTHING,
    Outcome
} from "../ProtocolTable.sol";
import {Steps} from "./Steps.sol";

/// @notice Takes orders on from payment, or ends them.
abstract contract OrderHandler is Steps {
    function approveOrder(uint256 orderSeed, uint256 callerSeed) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, NEGOTIATION | LOCK, HAS_APPROVER);
        Order memory order = entry.order;
        address caller = _mostly(order.approver, callerSeed);
        _do(entry, Call.APPROVE, caller, abi.encodeCall(ICAPVault.approveOrder, (order)));
    }

    function deliverOrder(uint256 orderSeed, uint256 callerSeed, bytes32 deliverableHash, uint256 gas) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, LOCK, 0);
        _deliver(entry, _mostly(entry.order.provider, callerSeed), deliverableHash, _mostlyEnough(gas));
    }

    function releaseOrder(uint256 orderSeed, uint256 callerSeed, uint256 gas) external {
        if (_entries.length == 0) return;
        // Mostly not from LOCK, or few orders would come to their delivery.
        Entry storage entry = _pickMostly(orderSeed, callerSeed % 8 == 0 ? LOCK : DELIVER | DISPUTE, HAS_ARBITER);
        Order memory order = entry.order;
        address caller = callerSeed & 16 == 0 ? order.requester : _actor(callerSeed >> 5);
        _do(entry, Call.RELEASE, caller, abi.encodeCall(ICAPVault.releaseOrder, (order)), _mostlyEnough(gas));
    }

    function disputeOrder(uint256 orderSeed, uint256 callerSeed, bytes32 reasonHash) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, LOCK | DELIVER, HAS_ARBITER);
        Order memory order = entry.order;
        address caller = _mostly(callerSeed & 1 == 0 ? order.requester : order.provider, callerSeed >> 1);
        _do(entry, Call.DISPUTE, caller, abi.encodeCall(ICAPVault.disputeOrder, (order, reasonHash)));
    }

    /// @param part One of four is nothing; one more than the price is tried too.
    function resolveDispute(uint256 orderSeed, uint256 callerSeed, uint256 part, bytes32 reasonHash, uint256 gas)
        external
    {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, FUNDED | DISPUTED, HAS_ARBITER);
        _resolve(entry, _mostly(entry.order.arbiter, callerSeed), part, reasonHash, _mostlyEnough(gas));
    }

    function rejectOrder(uint256 orderSeed, uint256 callerSeed, bytes32 reasonHash, uint256 gas) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pick(orderSeed);
        Order memory order = entry.order;
        uint256 which = callerSeed % 4;
        address caller = which == 0 ? order.provider : which == 1 ? order.requester : order.approver;
        bytes memory data = abi.encodeCall(ICAPVault.rejectOrder, (order, reasonHash));
        _do(entry, Call.REJECT, _mostly(caller, callerSeed >> 2), data, _mostlyEnough(gas));
    }

    /// @notice Rejects an order that may be new to the vault: a party takes its consent back before anyone uses it.
    function cancelOrder(Order memory order, uint256 who, uint256 seed, uint256 callerSeed) external {
        Entry storage entry = _orderToCreate(order, who, seed);
        order = entry.order;
        address caller = _mostly(callerSeed & 1 == 0 ? order.requester : order.provider, callerSeed >> 1);
        _do(entry, Call.REJECT, caller, abi.encodeCall(ICAPVault.rejectOrder, (order, 0)));
    }

    function expireOrder(uint256 orderSeed, uint256 callerSeed, uint256 gas) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pick(orderSeed);
        bytes memory data = abi.encodeCall(ICAPVault.expireOrder, (entry.order));
        _do(entry, Call.EXPIRE, _actor(callerSeed), data, _mostlyEnough(gas));
    }

    /// @notice Expires up to four orders at once, of which the last is the first again.
    function expireOrders(uint256 first, uint256 count, uint256 callerSeed, uint256 gas) external {
        if (_entries.length == 0) return;
        count = bound(count, 1, _entries.length < 3 ? _entries.length : 3);
        first %= _entries.length;
        Order[] memory batch = new Order[](count + 1);
        for (uint256 i; i <= count; ++i) {
            batch[i] = _following(first, i % count).order;
        }
        (Outcome[] memory outcomes, uint256 due) = _expiries(first, count);
        bytes memory data = abi.encodeCall(ICAPVault.expireOrders, (batch));
        (bool ok, bytes memory result) = _send(_actor(callerSeed), data, "", _mostlyEnough(gas));
        if (!ok) return;
        vm.assertEq(abi.decode(result, (uint256)), due, "how many expire");
        for (uint256 i; i < count; ++i) {
            Entry storage entry = _following(first, i);
            if (outcomes[i].failure.length == 0) _apply(entry, outcomes[i], 0);
            _checkExits(entry);
        }
    }

    function _expiries(uint256 first, uint256 count) private returns (Outcome[] memory outcomes, uint256 due) {
        outcomes = new Outcome[](count);
        Step memory step;
        step.call = Call.EXPIRE;
        for (uint256 i; i < count; ++i) {
            Entry storage entry = _following(first, i);
            outcomes[i] = _outcome(entry, step);
            if (outcomes[i].failure.length != 0) continue;
            _expect(entry, outcomes[i].money, 0);
            ++due;
        }
    }

    function _following(uint256 first, uint256 i) private view returns (Entry storage) {
        return _entries[(first + i) % _entries.length];
    }

    function _deliver(Entry storage entry, address caller, bytes32 deliverableHash, uint256 gas) internal {
        bytes memory data = abi.encodeCall(ICAPVault.deliverOrder, (entry.order, deliverableHash));
        Step memory step = Step(Call.DELIVER, caller, data, NOTHING, 0, "", gas);
        if (bytes25(deliverableHash) == 0) step.badArgument = _invalid("deliverableHash");
        if (_do(entry, step)) entry.deliverableHash = deliverableHash;
    }

    function _resolve(Entry storage entry, address caller, uint256 part, bytes32 reasonHash, uint256 gas) internal {
        Order memory order = entry.order;
        part = part % 4 == 0 ? 0 : bound(part, 0, uint256(order.amount) + 1);
        Step memory step = Step({
            call: part == 0 ? Call.RESOLVE_NOTHING : Call.RESOLVE_PART,
            caller: caller,
            data: abi.encodeCall(ICAPVault.resolveDispute, (order, part, reasonHash)),
            given: NOTHING,
            part: part,
            badArgument: part > order.amount ? _invalid("providerPart") : bytes(""),
            gas: gas
        });
        _do(entry, step);
    }

    function _invalid(string memory field) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, field);
    }

    /// @dev Three times of four all the gas; else a limit around what the call needs.
    function _mostlyEnough(uint256 seed) private pure returns (uint256) {
        return seed % 4 == 0 ? bound(seed, 30_000, 1_100_000) : GAS;
    }
}
