// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SandboxUSDC} from "../../../contracts/sandbox/SandboxUSDC.sol";
import {AccountTest} from "../AgentAccount/AccountTest.sol";

contract SandboxUSDCTest is AccountTest {
    address private immutable _alice = vm.addr(0xA);
    address private immutable _bob = vm.addr(0xB);

    function test_looksLikeUSDC() public view {
        vm.assertEq(bytes(usdc.name()), bytes("USD Coin"), "name");
        vm.assertEq(bytes(usdc.symbol()), bytes("USDC"), "symbol");
        vm.assertEq(usdc.decimals(), 6, "decimals");
        vm.assertEq(usdc.minter(), platform, "minter");
    }

    function test_RevertWhen_notMinter() public {
        bytes memory refusal = abi.encodeWithSelector(SandboxUSDC.NotMinter.selector, _alice);
        vm.expectRevert(refusal);
        vm.prank(_alice);
        usdc.mint(_alice, 1);
        vm.expectRevert(refusal);
        vm.prank(_alice);
        usdc.blacklist(_bob);
        vm.expectRevert(refusal);
        vm.prank(_alice);
        usdc.unBlacklist(_bob);
    }

    function test_denylist() public {
        vm.prank(platform);
        usdc.mint(_alice, 10);
        vm.prank(_alice);
        usdc.approve(_bob, 5);
        vm.expectEmit(address(usdc));
        emit SandboxUSDC.Blacklisted(_bob);
        vm.prank(platform);
        usdc.blacklist(_bob);
        vm.assertTrue(usdc.isBlacklisted(_bob), "listed");

        bytes memory refusal = abi.encodeWithSelector(SandboxUSDC.AccountBlacklisted.selector, _bob);
        vm.expectRevert(refusal);
        vm.prank(_alice);
        usdc.transfer(_bob, 1);
        vm.expectRevert(refusal);
        vm.prank(_bob);
        usdc.transfer(_alice, 0);
        vm.expectRevert(refusal);
        vm.prank(_bob);
        usdc.transferFrom(_alice, stranger, 1);
        vm.expectRevert(refusal);
        vm.prank(_alice);
        usdc.approve(_bob, 1);
        vm.expectRevert(refusal);
        vm.prank(_bob);
        usdc.approve(_alice, 1);
        vm.expectRevert(refusal);
        vm.prank(platform);
        usdc.mint(_bob, 1);

        vm.expectEmit(address(usdc));
        emit SandboxUSDC.UnBlacklisted(_bob);
        vm.prank(platform);
        usdc.unBlacklist(_bob);
        vm.prank(_bob);
        usdc.transferFrom(_alice, _bob, 5);
        vm.assertEq(usdc.balanceOf(_bob), 5, "free again");
    }

    function testFuzz_movesExactly(uint256 minted, uint256 sent) public {
        sent = bound(sent, 0, minted);
        vm.prank(platform);
        vm.assertTrue(usdc.mint(_alice, minted), "mint");
        vm.prank(_alice);
        vm.assertTrue(usdc.transfer(_bob, sent), "transfer");
        vm.assertEq(usdc.balanceOf(_alice), minted - sent, "from");
        vm.assertEq(usdc.balanceOf(_bob), sent, "to");
        vm.assertEq(usdc.totalSupply(), minted, "supply");
    }
}
