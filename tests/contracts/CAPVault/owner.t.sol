// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IVault} from "./IVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract OwnerTest is VaultTest {
    /* CONSTRUCTOR */

    function testFuzz_constructor(address initialOwner, address initialTreasury) public {
        vm.assume(initialOwner != address(0) && initialTreasury != address(0));
        IVault fresh = deployVault(initialOwner, initialTreasury);
        vm.assertEq(fresh.owner(), initialOwner, "owner");
        vm.assertEq(fresh.treasury(), initialTreasury, "treasury");
        (, string memory name, string memory version, uint256 chainId, address verifying,,) = fresh.eip712Domain();
        vm.assertEq(bytes(name), "CAPVault", "name");
        vm.assertEq(bytes(version), "1", "version");
        vm.assertEq(chainId, block.chainid, "chainId");
        vm.assertEq(verifying, address(fresh), "verifyingContract");
    }

    // Two tests: an expected revert of deployCode ends the test.
    function test_constructor_noOwner() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        deployVault(address(0), treasury);
    }

    function test_constructor_noTreasury() public {
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "treasury"));
        deployVault(owner, address(0));
    }

    function test_constructor_treasuryIsTheVault() public {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "treasury"));
        deployVault(owner, next);
    }

    /* SET TOKEN */

    function testFuzz_setToken_revert_caller(address caller) public {
        vm.assume(caller != owner);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        vm.prank(caller);
        vault.setToken(address(token), true, 0);
    }

    function testFuzz_setToken_revert_fee(uint16 minFeeBps) public {
        minFeeBps = uint16(bound(minFeeBps, 1001, type(uint16).max));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.FeeOutOfRange.selector, minFeeBps, 0, 1000));
        vm.prank(owner);
        vault.setToken(address(token), true, minFeeBps);
    }

    function test_setToken_bounds() public {
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.FeeOutOfRange.selector, 1001, 0, 1000));
        vm.prank(owner);
        vault.setToken(address(token), true, 1001);
        vm.prank(owner);
        vault.setToken(address(token), true, 1000);
        (, uint16 minFeeBps,) = vault.tokenConfig(address(token));
        vm.assertEq(minFeeBps, 1000, "minFeeBps");
    }

    function test_setToken_mostMinFee() public {
        vm.prank(owner);
        vault.setToken(address(token), true, 1000);
        (, uint16 minFeeBps,) = vault.tokenConfig(address(token));
        vm.assertEq(minFeeBps, 1000, "minFeeBps");
    }

    function testFuzz_setToken(Order memory seed, bool enabled, uint16 minFeeBps) public {
        minFeeBps = uint16(bound(minFeeBps, 0, 1000));
        Order memory order = validOrder(seed);
        bring(order, Phase.CLEAR);

        vm.expectEmit(address(vault));
        emit ICAPVault.TokenSet(address(token), enabled, minFeeBps);
        vm.prank(owner);
        vault.setToken(address(token), enabled, minFeeBps);

        (bool nowEnabled, uint16 nowMin, uint128 accrued) = vault.tokenConfig(address(token));
        vm.assertEq(nowEnabled, enabled, "enabled");
        vm.assertEq(nowMin, minFeeBps, "minFeeBps");
        vm.assertEq(accrued, fee(order), "accruedFees");
    }

    /* SET TREASURY */

    function testFuzz_setTreasury_revert_caller(address caller) public {
        vm.assume(caller != owner);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        vm.prank(caller);
        vault.setTreasury(caller);
    }

    function test_setTreasury_revert_address() public {
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "treasury"));
        vm.prank(owner);
        vault.setTreasury(address(0));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "treasury"));
        vm.prank(owner);
        vault.setTreasury(address(vault));
    }

    function testFuzz_setTreasury(address next) public {
        vm.assume(next != address(0) && next != address(vault));
        vm.expectEmit(address(vault));
        emit ICAPVault.TreasurySet(next);
        vm.prank(owner);
        vault.setTreasury(next);
        vm.assertEq(vault.treasury(), next, "treasury");
    }

    /* OWNERSHIP */

    function testFuzz_ownershipPassesInTwoSteps(address next, address other) public {
        vm.assume(next != owner && other != next && next != address(0));
        vm.prank(owner);
        vault.transferOwnership(next);
        vm.assertEq(vault.owner(), owner, "not yet");
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, other));
        vm.prank(other);
        vault.acceptOwnership();
        vm.prank(next);
        vault.acceptOwnership();
        vm.assertEq(vault.owner(), next, "accepted");
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, owner));
        vm.prank(owner);
        vault.setTreasury(stranger);
    }

    function testFuzz_nobodyRenounces(address caller) public {
        address[2] memory callers = [owner, caller];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(ICAPVault.CannotRenounce.selector);
            vm.prank(callers[i]);
            Ownable(address(vault)).renounceOwnership();
        }
        vm.assertEq(vault.owner(), owner, "owner");
    }
}
