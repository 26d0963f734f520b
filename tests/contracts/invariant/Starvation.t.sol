// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "../CAPVault/VaultTest.sol";

/// @notice Invariant 10, where it is hardest to keep: the Provider is the second payee too, so its credit is in a slot that the step has
/// just written, and the little gas that a starved push leaves would do to add the payout to it.
contract StarvationTest is VaultTest {
    function testFuzz_noGasForcesACredit(Order memory seed, uint256 gas) public {
        Order memory order = validOrder(seed);
        order.amount = uint120(bound(order.amount, 10_000, type(uint120).max));
        (order.commissionTo, order.commissionBps) = (provider, 100);
        bytes32 orderId = create(order);
        pay(order);
        token.charge(200_000); // of the 300 000 that the push gets
        vm.prank(provider);
        (bool ok,) = address(vault).call{gas: bound(gas, 150_000, 500_000)}(
            abi.encodeCall(ICAPVault.deliverOrder, (order, DELIVERABLE))
        );
        uint256 commission = uint256(order.amount) / 100;
        vm.assertEq(vault.claimable(address(token), provider), ok ? commission : 0, "the commission alone waits");
        assertPhase(orderId, ok ? Phase.CLEAR : Phase.LOCK);
    }
}
