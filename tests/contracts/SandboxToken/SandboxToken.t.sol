// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {SandboxToken} from "../../../contracts/sandbox/SandboxToken.sol";
import {AccountTest} from "../AgentAccount/AccountTest.sol";
import {MockWallet} from "../mocks/MockWallet.sol";

contract SandboxTokenTest is AccountTest {
    /// @dev What a holder signs; the members of both EIP-3009 types.
    struct Authorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    bytes32 private constant TRANSFER = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    uint256 private constant ALICE_KEY = 0xA;

    address private immutable _alice = vm.addr(ALICE_KEY);
    address private immutable _bob = vm.addr(0xB);

    function test_looksLikeTheRealOnes() public view {
        vm.assertEq(bytes(usdc.name()), bytes("USD Coin"), "name");
        vm.assertEq(bytes(usdc.symbol()), bytes("USDC"), "symbol");
        vm.assertEq(bytes(eurc.name()), bytes("EURC"), "name");
        vm.assertEq(bytes(eurc.symbol()), bytes("EURC"), "symbol");
        SandboxToken[2] memory both = [usdc, eurc];
        for (uint256 i = 0; i < 2; ++i) {
            vm.assertEq(both[i].decimals(), 6, "decimals");
            vm.assertEq(both[i].minter(), platform, "minter");
        }
    }

    function test_RevertWhen_notMinter() public {
        bytes memory refusal = abi.encodeWithSelector(SandboxToken.NotMinter.selector, _alice);
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
        emit SandboxToken.Blacklisted(_bob);
        vm.prank(platform);
        usdc.blacklist(_bob);
        vm.assertTrue(usdc.isBlacklisted(_bob), "listed");

        bytes memory refusal = abi.encodeWithSelector(SandboxToken.AccountBlacklisted.selector, _bob);
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
        emit SandboxToken.UnBlacklisted(_bob);
        vm.prank(platform);
        usdc.unBlacklist(_bob);
        vm.prank(_bob);
        usdc.transferFrom(_alice, _bob, 5);
        vm.assertEq(usdc.balanceOf(_bob), 5, "free again");
    }

    /* EIP-3009 */

    function test_receiveWithAuthorization() public {
        Authorization memory a = _funded();
        bytes memory signature = _sign(usdc, RECEIVE, a);

        vm.expectEmit(address(usdc));
        emit IERC3009.AuthorizationUsed(_alice, a.nonce);
        vm.prank(_bob);
        _receive(a, signature);
        vm.assertEq(usdc.balanceOf(_bob), a.value, "moved");
        vm.assertEq(usdc.balanceOf(_alice), 10 - a.value, "no more");
        vm.assertTrue(usdc.authorizationState(_alice, a.nonce), "used");

        _assertUsed(a, signature);
    }

    function test_transferWithAuthorization() public {
        Authorization memory a = _funded();
        bytes memory signature = _sign(usdc, TRANSFER, a);
        vm.prank(stranger);
        _transfer(a, signature);
        vm.assertEq(usdc.balanceOf(_bob), a.value, "moved");
        _assertUsed(a, _sign(usdc, RECEIVE, a));
    }

    function test_RevertWhen_anotherTakesWhatWasForTo() public {
        Authorization memory a = _funded();
        bytes memory signature = _sign(usdc, RECEIVE, a);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, _bob));
        vm.prank(stranger);
        _receive(a, signature);
        // Nor as a plain transfer: the types differ.
        vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
        vm.prank(stranger);
        _transfer(a, signature);
        vm.assertFalse(usdc.authorizationState(_alice, a.nonce), "not used up");
    }

    /// @dev Each member is signed for, and so are token and chain.
    function testFuzz_RevertWhen_notWhatWasSigned(uint256 member, uint256 difference) public {
        Authorization memory a = _funded();
        member = bound(member, 0, 6);
        bytes memory signature = _sign(member == 6 ? eurc : usdc, RECEIVE, a);
        if (member == 0) a.value ^= bound(difference, 1, type(uint256).max);
        if (member == 1) a.validAfter = bound(difference, 1, START - 1);
        if (member == 2) a.validBefore = bound(difference, START + 2, type(uint256).max);
        if (member == 3) a.nonce = bytes32(difference);
        if (member == 4) a.from = stranger;
        if (member == 5) vm.chainId(8453);
        vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
        vm.prank(_bob);
        _receive(a, signature);
    }

    function test_validityWindow() public {
        Authorization memory a = _funded();
        a.validAfter = START + 10;
        a.validBefore = START + 20;
        bytes memory signature = _sign(usdc, RECEIVE, a);
        bytes memory refusal =
            abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, a.validAfter, a.validBefore);
        uint256[2] memory outside = [a.validAfter, a.validBefore];
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(outside[i]);
            vm.expectRevert(refusal);
            vm.prank(_bob);
            _receive(a, signature);
        }
        vm.warp(a.validBefore - 1);
        vm.prank(_bob);
        _receive(a, signature);
    }

    function test_contractAsHolder() public {
        MockWallet wallet = new MockWallet();
        vm.prank(platform);
        usdc.mint(address(wallet), 10);
        Authorization memory a = _authorization();
        a.from = address(wallet);
        vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
        vm.prank(_bob);
        _receive(a, "");
        wallet.approveHash(_digest(usdc, RECEIVE, a));
        vm.prank(_bob);
        _receive(a, "");
        vm.assertEq(usdc.balanceOf(_bob), a.value, "moved");
    }

    function test_denylistHoldsForAuthorizations() public {
        Authorization memory a = _funded();
        vm.prank(platform);
        usdc.blacklist(_alice);
        bytes memory signature = _sign(usdc, RECEIVE, a);
        vm.expectRevert(abi.encodeWithSelector(SandboxToken.AccountBlacklisted.selector, _alice));
        vm.prank(_bob);
        _receive(a, signature);
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

    function _authorization() private view returns (Authorization memory) {
        return Authorization(_alice, _bob, 7, 0, START + 1, keccak256("nonce"));
    }

    /// @dev With 10 units in the signer's hands.
    function _funded() private returns (Authorization memory) {
        vm.prank(platform);
        usdc.mint(_alice, 10);
        return _authorization();
    }

    function _sign(SandboxToken token, bytes32 typeHash, Authorization memory a) private view returns (bytes memory) {
        return sign(ALICE_KEY, _digest(token, typeHash, a));
    }

    function _digest(SandboxToken token, bytes32 typeHash, Authorization memory a) private view returns (bytes32) {
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(token.name())),
                keccak256("2"),
                block.chainid,
                address(token)
            )
        );
        return typedDataHash(separator, keccak256(abi.encode(typeHash, a)));
    }

    function _receive(Authorization memory a, bytes memory signature) private {
        usdc.receiveWithAuthorization(a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce, signature);
    }

    function _transfer(Authorization memory a, bytes memory signature) private {
        usdc.transferWithAuthorization(a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce, signature);
    }

    function _assertUsed(Authorization memory a, bytes memory signature) private {
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, a.from, a.nonce));
        vm.prank(_bob);
        _receive(a, signature);
    }
}
