// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order} from "../../../../contracts/interfaces/ICAPVault.sol";
import {MockToken} from "../../mocks/MockToken.sol";
import {BY_3009, BY_BOTH, BY_PROVIDER, BY_REQUESTER, Call, NEGOTIATION, NONE, NOTHING} from "../ProtocolTable.sol";
import {Steps} from "./Steps.sol";

/// @notice Creates and pays orders, with and without the consents that it takes.
abstract contract OpeningHandler is Steps {
    /// @param how 0: the Requester calls; 1: the Provider calls; 2 to 11: anyone with both signatures; then without a
    /// consent: 12, 13: of the Requester; 14, 15: of the Provider.
    function createOrder(Order memory order, uint256 who, uint256 seed, uint256 how) external {
        Entry storage entry = _orderToCreate(order, who, seed);
        order = entry.order;
        how %= 16;
        Step memory step = _step(Call.CREATE, how == 0 ? order.requester : how == 1 ? order.provider : actors[4]);
        step.given = how < 12 ? BY_BOTH : how < 14 ? BY_PROVIDER : BY_REQUESTER;
        if (how == 0) step.given = BY_PROVIDER;
        if (how == 1) step.given = BY_REQUESTER;
        bytes memory requesterSig = _consent(order.requester, entry.id, step.given & BY_REQUESTER != 0);
        bytes memory providerSig = _consent(order.provider, entry.id, step.given & BY_PROVIDER != 0);
        step.data = abi.encodeCall(ICAPVault.createOrder, (order, requesterSig, providerSig));
        _do(entry, step);
    }

    function payOrder(uint256 orderSeed, uint256 callerSeed) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, NEGOTIATION, 0);
        Order memory order = entry.order;
        _provide(order);
        _do(entry, Call.PAY, _mostly(order.requester, callerSeed), abi.encodeCall(ICAPVault.payOrder, (order)));
    }

    /// @param how Three of four authorizations are good.
    function payOrderWithAuthorization(uint256 orderSeed, uint256 callerSeed, uint256 how) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, NEGOTIATION, 0);
        Order memory order = entry.order;
        _provide(order);
        Step memory step = _step(Call.PAY_3009, _actor(callerSeed));
        step.given = how % 4 == 0 ? NOTHING : BY_3009;
        bytes memory authorization = _authorization(order, entry.id, how % 4 != 0, how >> 2);
        step.data = abi.encodeCall(ICAPVault.payOrderWithAuthorization, (order, authorization));
        _do(entry, step);
    }

    /// @param how Bit 0: of an order that may be created already; bits 1 to 3: seven of eight have the Provider's consent.
    function createAndPayOrder(Order memory order, uint256 who, uint256 seed, uint256 how) external {
        Entry storage entry = _orderToOpen(order, who, seed, how);
        order = entry.order;
        _provide(order);
        Step memory step = _step(Call.CREATE_AND_PAY, _mostly(order.requester, how >> 4));
        step.given = (how >> 1) % 8 == 0 ? NOTHING : BY_PROVIDER;
        bytes memory providerSig = _consent(order.provider, entry.id, step.given != NOTHING);
        step.data = abi.encodeCall(ICAPVault.createAndPayOrder, (order, providerSig));
        _do(entry, step);
    }

    /// @param how As above; bits 4 to 6: seven of eight have the Requester's authorization; bits 7 and 8: a quarter comes from the Provider.
    function createAndPayOrderWithAuthorization(Order memory order, uint256 who, uint256 seed, uint256 how) external {
        Entry storage entry = _orderToOpen(order, who, seed, how);
        order = entry.order;
        _provide(order);
        Step memory step = _step(Call.CREATE_AND_PAY_3009, (how >> 7) % 4 == 0 ? order.provider : _actor(how >> 9));
        if ((how >> 1) % 8 != 0) step.given = BY_PROVIDER;
        bytes memory providerSig = _consent(order.provider, entry.id, step.given != NOTHING);
        bool good = (how >> 4) % 8 != 0;
        if (good) step.given |= BY_3009;
        bytes memory authorization = _authorization(order, entry.id, good, how >> 12);
        step.data = abi.encodeCall(ICAPVault.createAndPayOrderWithAuthorization, (order, providerSig, authorization));
        _do(entry, step);
    }

    function _orderToOpen(Order memory order, uint256 who, uint256 seed, uint256 how) private returns (Entry storage) {
        if (how % 2 == 0 || _entries.length == 0) return _orderToCreate(order, who, seed);
        return _pickMostly(seed, how & 2 == 0 ? NEGOTIATION : NEGOTIATION | NONE, 0);
    }

    function _step(Call call, address caller) private pure returns (Step memory step) {
        (step.call, step.caller, step.gas) = (call, caller, GAS);
    }

    /// @dev Whoever calls, the Requester's money lies ready.
    function _provide(Order memory order) internal {
        MockToken token = MockToken(order.token);
        token.mint(order.requester, order.amount);
        vm.prank(order.requester);
        token.approve(address(vault), order.amount);
    }
}
