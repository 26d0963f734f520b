// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Behaviour, MockToken} from "../mocks/MockToken.sol";
import {VaultTest} from "./VaultTest.sol";

contract SweepFeesTest is VaultTest {
    function testFuzz_nothing(address anyToken, address caller, uint120 donated) public {
        token.mint(address(vault), donated);
        vm.recordLogs();
        vm.prank(caller);
        vm.assertEq(vault.sweepFees(address(token)), 0, "token");
        vm.prank(caller);
        vm.assertEq(vault.sweepFees(anyToken), 0, "any address, code or not");
        vm.assertEq(vm.getRecordedLogs().length, 0, "logs");
    }

    function testFuzz_sweeps(Order memory seed, address caller, uint120 others, bool returnsNothing) public {
        uint256 accrued = accrue(seed);
        token.mint(address(vault), others);
        if (returnsNothing) token.setBehaviour(Behaviour.RETURNS_NOTHING);

        vm.expectEmit(address(vault));
        emit ICAPVault.FeesSwept(address(token), treasury, accrued);
        vm.prank(caller);
        vm.assertEq(vault.sweepFees(address(token)), accrued, "amount");

        vm.assertEq(token.balanceOf(treasury), accrued, "treasury");
        vm.assertEq(token.balanceOf(address(vault)), others, "vault");
        (bool enabled, uint16 minFeeBps, uint128 left) = vault.tokenConfig(address(token));
        vm.assertTrue(enabled, "enabled");
        vm.assertEq(minFeeBps, MIN_FEE_BPS, "minFeeBps");
        vm.assertEq(left, 0, "left");
        vm.assertEq(vault.sweepFees(address(token)), 0, "once");
    }

    function testFuzz_escrowStays(Order memory seed) public {
        uint256 accrued = accrue(seed);
        seed.salt ^= 1;
        Order memory open = validOrder(seed);
        bring(open, Phase.LOCK);
        vault.sweepFees(address(token));
        vm.assertEq(token.balanceOf(treasury), accrued, "treasury");
        vm.assertEq(token.balanceOf(address(vault)), open.amount, "escrow");
    }

    function testFuzz_deniedTreasuryIsReplaced(Order memory seed) public {
        uint256 accrued = accrue(seed);
        token.setDenied(treasury, true);
        vm.expectRevert(abi.encodeWithSelector(MockToken.Denied.selector, treasury));
        vault.sweepFees(address(token));
        vm.assertEq(accruedFees(), accrued, "kept");

        vm.prank(owner);
        vault.setTreasury(stranger);
        vault.sweepFees(address(token));
        vm.assertEq(token.balanceOf(stranger), accrued, "new treasury");
    }

    function testFuzz_revert_badReturn(Order memory seed, uint256 which) public {
        uint256 accrued = accrue(seed);
        Behaviour[3] memory bad = [Behaviour.RETURNS_FALSE, Behaviour.RETURNS_RUBBISH, Behaviour.RETURNS_SHORT];
        token.setBehaviour(bad[bound(which, 0, 2)]);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        vault.sweepFees(address(token));
        vm.assertEq(accruedFees(), accrued, "kept");
    }

    function testFuzz_reentrancyIsRefused(Order memory seed) public {
        uint256 accrued = accrue(seed);
        token.mint(address(vault), accrued);
        token.reenter(address(vault), abi.encodeCall(vault.sweepFees, (address(token))));
        vault.sweepFees(address(token));
        vm.assertEq(token.balanceOf(treasury), accrued, "once");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
    }

    function accrue(Order memory seed) private returns (uint256 accrued) {
        Order memory order = validOrder(seed);
        order.amount = uint120(bound(order.amount, 1000, type(uint120).max)); // at 10 bps: at least 1
        bring(order, Phase.CLEAR);
        accrued = fee(order);
        vm.assertGe(accrued, 1, "a fee");
    }
}
