// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Behaviour, MockToken} from "../mocks/MockToken.sol";
import {VaultTest} from "./VaultTest.sol";

contract ClaimTest is VaultTest {
    address private immutable savings = vm.addr(0x5A7);

    function testFuzz_revert_recipient(Order memory seed) public {
        defer(seed);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "to"));
        vm.prank(requester);
        vault.claim(address(token), address(0));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "to"));
        vm.prank(requester);
        vault.claim(address(token), address(vault));
    }

    function testFuzz_revert_nothing(Order memory seed, address caller) public {
        defer(seed);
        vm.assume(caller != requester);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.NothingToClaim.selector, token, caller));
        vm.prank(caller);
        vault.claim(address(token), savings);
    }

    function testFuzz_revert_otherToken(Order memory seed) public {
        defer(seed);
        MockToken other = new MockToken();
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.NothingToClaim.selector, other, requester));
        vm.prank(requester);
        vault.claim(address(other), savings);
    }

    function testFuzz_revert_tokenFails(Order memory seed) public {
        uint256 credit = defer(seed);
        vm.expectRevert(abi.encodeWithSelector(MockToken.Denied.selector, requester));
        vm.prank(requester);
        vault.claim(address(token), requester);
        vm.assertEq(vault.claimable(address(token), requester), credit, "credit");
    }

    function testFuzz_revert_badReturn(Order memory seed, uint256 which) public {
        uint256 credit = defer(seed);
        Behaviour[3] memory bad = [Behaviour.RETURNS_FALSE, Behaviour.RETURNS_RUBBISH, Behaviour.RETURNS_SHORT];
        token.setBehaviour(bad[bound(which, 0, 2)]);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        vm.prank(requester);
        vault.claim(address(token), savings);
        vm.assertEq(vault.claimable(address(token), requester), credit, "credit");
        vm.assertEq(token.balanceOf(savings), 0, "undone");
    }

    function testFuzz_reentrancyIsRefused(Order memory seed) public {
        uint256 credit = defer(seed);
        token.mint(address(vault), credit);
        token.reenter(address(vault), abi.encodeCall(vault.claim, (address(token), savings)));
        vm.prank(requester);
        vault.claim(address(token), savings);
        vm.assertEq(token.balanceOf(savings), credit, "paid once");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
    }

    function testFuzz_claims(Order memory seed, uint120 others, bool returnsNothing) public {
        uint256 credit = defer(seed);
        token.mint(address(vault), others);
        if (returnsNothing) token.setBehaviour(Behaviour.RETURNS_NOTHING);

        vm.expectEmit(address(vault));
        emit ICAPVault.Claimed(address(token), requester, savings, credit);
        vm.prank(requester);
        uint256 amount = vault.claim(address(token), savings);

        vm.assertEq(amount, credit, "amount");
        vm.assertEq(token.balanceOf(savings), credit, "savings");
        vm.assertEq(token.balanceOf(address(vault)), others, "vault");
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.NothingToClaim.selector, token, requester));
        vm.prank(requester);
        vault.claim(address(token), savings);
    }

    /// @dev The 300 000 gas of a push do not bind a claim.
    function testFuzz_claimHasNoGasCap(Order memory seed, uint256 cost) public {
        uint256 credit = defer(seed);
        token.charge(bound(cost, 300_000, 2_000_000));
        vm.prank(requester);
        vault.claim(address(token), savings);
        vm.assertEq(token.balanceOf(savings), credit, "savings");
    }

    function testFuzz_otherCreditsStay(Order memory seed) public {
        uint256 credit = defer(seed);
        token.setDenied(provider, true);
        seed.salt ^= 1;
        Order memory sold = validOrder(seed);
        token.setDenied(requester, false);
        bring(sold, Phase.CLEAR);
        vm.prank(requester);
        vault.claim(address(token), savings);
        vm.assertEq(token.balanceOf(savings), credit, "savings");
        vm.assertEq(vault.claimable(address(token), provider), sold.amount - fee(sold), "provider's credit");
        vm.assertEq(accruedFees(), fee(sold), "fee");
    }

    /* CLAIM FOR */

    function testFuzz_claimFor_paysTheAccountItself(Order memory seed, address caller, uint120 others) public {
        uint256 credit = defer(seed);
        token.setDenied(requester, false);
        token.mint(address(vault), others);

        vm.expectEmit(address(vault));
        emit ICAPVault.Claimed(address(token), requester, requester, credit);
        vm.prank(caller);
        uint256 amount = vault.claimFor(address(token), requester);

        vm.assertEq(amount, credit, "amount");
        vm.assertEq(token.balanceOf(requester), credit, "requester");
        vm.assertEq(token.balanceOf(address(vault)), others, "vault");
        vm.assertEq(vault.claimable(address(token), requester), 0, "used up");
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.NothingToClaim.selector, token, requester));
        vault.claimFor(address(token), requester);
    }

    function testFuzz_claimFor_revert_nothing(Order memory seed, address account) public {
        defer(seed);
        vm.assume(account != requester);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.NothingToClaim.selector, token, account));
        vm.prank(requester);
        vault.claimFor(address(token), account);
    }

    function testFuzz_claimFor_revert_tokenFails(Order memory seed, address caller) public {
        uint256 credit = defer(seed);
        vm.expectRevert(abi.encodeWithSelector(MockToken.Denied.selector, requester));
        vm.prank(caller);
        vault.claimFor(address(token), requester);
        vm.assertEq(vault.claimable(address(token), requester), credit, "credit");
    }

    function testFuzz_claimFor_reentrancyIsRefused(Order memory seed) public {
        uint256 credit = defer(seed);
        token.setDenied(requester, false);
        token.mint(address(vault), credit);
        token.reenter(address(vault), abi.encodeCall(vault.claimFor, (address(token), requester)));
        vault.claimFor(address(token), requester);
        vm.assertEq(token.balanceOf(requester), credit, "paid once");
        vm.assertEq(
            token.reentryResult(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "refused"
        );
    }

    /// @dev A refund that the denylisted Requester could not get.
    function defer(Order memory seed) private returns (uint256) {
        Order memory order = validOrder(seed);
        bring(order, Phase.LOCK);
        token.setDenied(requester, true);
        vm.prank(provider);
        vault.rejectOrder(order, REASON);
        vm.assertEq(vault.claimable(address(token), requester), order.amount, "credit");
        return order.amount;
    }
}
