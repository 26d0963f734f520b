// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {Answer, MockWallet} from "../mocks/MockWallet.sol";
import {VaultTest} from "./VaultTest.sol";

contract PartiesTest is VaultTest {
    enum Kind {
        EOA,
        DELEGATED, // EIP-7702: an EOA with code, which signs as itself all the same
        WALLET // ERC-1271
    }

    uint256 private constant KINDS = 3;

    /// @dev As requester and as provider.
    function _party(Kind kind, uint256 key) private returns (address party) {
        if (kind == Kind.WALLET) return address(new MockWallet());
        party = vm.addr(key);
        if (kind == Kind.DELEGATED) {
            MockWallet delegate = new MockWallet();
            vm.etch(party, abi.encodePacked(hex"ef0100", address(delegate)));
            // Asked, its code would say no: the signature counts before the code.
            vm.assertEq(
                bytes32(MockWallet(party).isValidSignature(keccak256("any"), "")), bytes32(bytes4(0xffffffff)), "code"
            );
        }
    }

    function _consent(Kind kind, address party, uint256 key, bytes32 orderId) private returns (bytes memory) {
        if (kind != Kind.WALLET) return sign(key, orderId);
        MockWallet(party).approveHash(orderId);
        return "";
    }

    function _pair(Order memory seed, uint256 kinds) private returns (Order memory order, Kind buys, Kind sells) {
        (buys, sells) = (Kind(kinds % KINDS), Kind(kinds / KINDS % KINDS));
        order = validOrder(seed);
        order.requester = _party(buys, REQUESTER_KEY);
        order.provider = _party(sells, PROVIDER_KEY);
    }

    function _as(Kind kind, address party, address target, bytes memory data) private {
        if (kind == Kind.WALLET) {
            MockWallet(party).execute(target, data);
            return;
        }
        vm.prank(party);
        (bool success, bytes memory result) = target.call(data);
        vm.assertTrue(success, string(result));
    }

    function _approve(Order memory order, Kind buys) private {
        token.mint(order.requester, order.amount);
        _as(buys, order.requester, address(token), abi.encodeCall(token.approve, (address(vault), order.amount)));
    }

    function _createdAndPaid(Order memory order, Kind buys, Kind sells) private returns (bytes32 orderId) {
        orderId = vault.hashOrder(order);
        bytes memory first = _consent(buys, order.requester, REQUESTER_KEY, orderId);
        bytes memory second = _consent(sells, order.provider, PROVIDER_KEY, orderId);
        vm.prank(stranger);
        vault.createOrder(order, first, second);
        _approve(order, buys);
        _as(buys, order.requester, address(vault), abi.encodeCall(ICAPVault.payOrder, (order)));
        assertPhase(orderId, Phase.LOCK);
        vm.assertEq(token.balanceOf(order.requester), 0, "paid");
    }

    function _assertSettled(Order memory order, bytes32 orderId) private view {
        assertPhase(orderId, Phase.CLEAR);
        vm.assertEq(token.balanceOf(order.provider), order.amount - fee(order), "to Provider");
        vm.assertEq(token.balanceOf(order.requester), 0, "Requester");
        vm.assertEq(accruedFees(), fee(order), "fee");
    }

    function testFuzz_wholeOrder(Order memory seed, uint256 kinds) public {
        (Order memory order, Kind buys, Kind sells) = _pair(seed, kinds);
        bytes32 orderId = _createdAndPaid(order, buys, sells);
        _as(sells, order.provider, address(vault), abi.encodeCall(ICAPVault.deliverOrder, (order, DELIVERABLE)));
        _assertSettled(order, orderId);
    }

    function testFuzz_createAndPay(Order memory seed, uint256 kinds) public {
        (Order memory order, Kind buys, Kind sells) = _pair(seed, kinds);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory consent = _consent(sells, order.provider, PROVIDER_KEY, orderId);
        _approve(order, buys);
        _as(buys, order.requester, address(vault), abi.encodeCall(ICAPVault.createAndPayOrder, (order, consent)));
        _as(sells, order.provider, address(vault), abi.encodeCall(ICAPVault.deliverOrder, (order, DELIVERABLE)));
        _assertSettled(order, orderId);
    }

    function testFuzz_refund(Order memory seed, uint256 kinds) public {
        (Order memory order, Kind buys, Kind sells) = _pair(seed, kinds);
        bytes32 orderId = _createdAndPaid(order, buys, sells);
        _as(sells, order.provider, address(vault), abi.encodeCall(ICAPVault.rejectOrder, (order, REASON)));
        assertPhase(orderId, Phase.REJECTED);
        vm.assertEq(token.balanceOf(order.requester), order.amount, "refund");
    }

    /// @dev A key of nobody signs in the place of one party.
    function testFuzz_RevertWhen_aConsentIsNotItsPartys(Order memory seed, uint256 kinds, bool requesters) public {
        (Order memory order, Kind buys, Kind sells) = _pair(seed, kinds);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory forged = sign(0xBAD, orderId);
        bytes memory first = requesters ? forged : _consent(buys, order.requester, REQUESTER_KEY, orderId);
        bytes memory second = requesters ? _consent(sells, order.provider, PROVIDER_KEY, orderId) : forged;

        vm.expectRevert(
            abi.encodeWithSelector(ICAPVault.BadSignature.selector, requesters ? order.requester : order.provider)
        );
        vault.createOrder(order, first, second);
    }

    function test_walletThatAnswersWronglyIsNoParty() public {
        Order memory seed;
        (Order memory order,,) = _pair(seed, uint256(Kind.WALLET));
        bytes32 orderId = vault.hashOrder(order);
        MockWallet(order.requester).approveHash(orderId);
        MockWallet(order.requester).setAnswer(Answer.WRONG);
        bytes memory second = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.BadSignature.selector, order.requester));
        vault.createOrder(order, "", second);
    }
}
