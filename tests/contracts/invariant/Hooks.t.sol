// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "../CAPVault/VaultTest.sol";
import {MockWallet} from "../mocks/MockWallet.sol";

/// @notice A token with hooks hands control to a party in the middle of a payment. The calls that touch no token take no lock: they
/// find the order where the step under way has already brought it.
contract HooksTest is VaultTest {
    MockWallet private wallet;

    function setUp() public override {
        super.setUp();
        wallet = new MockWallet();
    }

    /// @dev The Requester disputes while it pays: as if it had done so just after.
    function testFuzz_disputeWhilePaying(Order memory seed, uint256 part) public {
        Order memory order = ofWallet(reviewedOrder(seed));
        order.approver = address(0);
        bytes32 orderId = vault.hashOrder(order);
        hook(abi.encodeCall(ICAPVault.disputeOrder, (order, REASON)));
        open(order);
        vm.assertEq(token.reentryResult(), "succeeded", "the hook");
        (Phase phase,, bool disputed,,) = vault.orderState(orderId);
        vm.assertEq(uint256(phase), uint256(Phase.LOCK), "phase");
        vm.assertTrue(disputed, "disputed");
        vm.assertEq(token.balanceOf(address(vault)), order.amount, "the price");

        // The same hook, now in the payouts, comes too late.
        vm.prank(arbiter);
        vault.resolveDispute(order, bound(part, 1, order.amount), REASON);
        vm.assertNotEq(keccak256(token.reentryResult()), keccak256("succeeded"), "the hook");
        assertPhase(orderId, Phase.CLEAR);
    }

    /// @dev While it is paid out, an order is final for everybody.
    function testFuzz_nothingWhilePaidOut(Order memory seed, uint256 which) public {
        Order memory order = ofWallet(reviewedOrder(seed));
        order.approver = address(0);
        open(order);
        deliver(order);
        bytes32 orderId = vault.hashOrder(order);
        bytes[4] memory calls = [
            abi.encodeCall(ICAPVault.createOrder, (order, "", sign(PROVIDER_KEY, orderId))),
            abi.encodeCall(ICAPVault.disputeOrder, (order, REASON)),
            abi.encodeCall(ICAPVault.releaseOrder, (order)),
            abi.encodeCall(ICAPVault.rejectOrder, (order, REASON))
        ];
        hook(calls[bound(which, 0, 3)]);
        vm.warp(vm.getBlockTimestamp() + order.reviewSeconds + 1);
        vault.releaseOrder(order);
        vm.assertEq(token.reentries(), 1, "tried");
        vm.assertNotEq(keccak256(token.reentryResult()), keccak256("succeeded"), "the hook");
        assertPhase(orderId, Phase.CLEAR);
    }

    function ofWallet(Order memory order) private view returns (Order memory) {
        order.requester = address(wallet);
        return order;
    }

    /// @dev The next transfer makes the wallet call the vault.
    function hook(bytes memory data) private {
        token.reenter(address(wallet), abi.encodeCall(MockWallet.execute, (address(vault), data)));
    }

    function open(Order memory order) private {
        fund(order);
        bytes memory providerSig = sign(PROVIDER_KEY, vault.hashOrder(order));
        wallet.execute(address(vault), abi.encodeCall(ICAPVault.createAndPayOrder, (order, providerSig)));
    }
}
