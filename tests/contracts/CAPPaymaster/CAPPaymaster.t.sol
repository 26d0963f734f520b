// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {IPaymaster} from "@account-abstraction/contracts/interfaces/IPaymaster.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {Paymaster} from "@openzeppelin/contracts/account/paymaster/Paymaster.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {CAPPaymaster} from "../../../contracts/paymaster/CAPPaymaster.sol";
import {AccountTest} from "../AgentAccount/AccountTest.sol";
import {Vm} from "../Vm.sol";

contract CAPPaymasterTest is AccountTest {
    uint48 private constant AFTER = uint48(START - 1);
    uint48 private constant UNTIL = uint48(START + 600);

    /* VALIDATION */

    function test_RevertWhen_callerIsNotEntryPoint() public {
        PackedUserOperation memory op = _op();
        vm.expectRevert(abi.encodeWithSelector(Paymaster.PaymasterUnauthorized.selector, stranger));
        vm.prank(stranger);
        IPaymaster(address(paymaster)).validatePaymasterUserOp(op, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(Paymaster.PaymasterUnauthorized.selector, stranger));
        vm.prank(stranger);
        IPaymaster(address(paymaster)).postOp(IPaymaster.PostOpMode.opSucceeded, "", 0, 0);
    }

    function test_pays() public {
        uint256 before = entryPoint.balanceOf(address(paymaster));
        PackedUserOperation memory op = _op();
        sponsor(op);
        _signAndSend(op);

        uint256 paid = before - entryPoint.balanceOf(address(paymaster));
        vm.assertTrue(paid > 0, "paid");
        vm.assertEq(beneficiary.balance, paid, "to the bundler's beneficiary");
        assertPhase(newOrder(1), Phase.NEGOTIATION);
    }

    /// @dev Whoever is given a sponsorship and bundles it would keep what the EntryPoint charges beyond the gas used: 52.9k per operation, measured
    /// in a bundle of 50; and whoever copies one would void the bundle that it is in.
    function testFuzz_anotherBundler(address other) public {
        vm.assume(other != bundler);
        PackedUserOperation[] memory ops = new PackedUserOperation[](1);
        ops[0] = _op();
        sponsor(ops[0]);
        signOp(ops[0], REQUESTER_KEY);
        uint256 before = entryPoint.balanceOf(address(paymaster));
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA34 signature error"));
            // An EOA; and the bundler's own address where the transaction is somebody else's.
            vm.prank(i == 0 ? other : bundler, other);
            entryPoint.handleOps(ops, payable(other));
        }
        vm.assertEq(entryPoint.balanceOf(address(paymaster)), before, "deposit");

        send(ops[0]);
        assertPhase(newOrder(1), Phase.NEGOTIATION);
    }

    /// @dev The origin of what an account's Owner calls in the bundler's transaction is the bundler.
    function test_anotherBundlerInsideTheBundle() public {
        PackedUserOperation[] memory inner = new PackedUserOperation[](1);
        inner[0] = _op();
        sponsor(inner[0]);
        signOp(inner[0], REQUESTER_KEY);
        bytes memory handleOps = abi.encodeCall(entryPoint.handleOps, (inner, payable(stranger)));
        PackedUserOperation memory outer =
            newOp(provider, 0, abi.encodeCall(provider.execute, (calls(address(entryPoint), 0, handleOps))));
        outer.accountGasLimits = pack(300_000, 3_000_000);
        sponsor(outer);
        signOp(outer, OWNER_KEY);
        vm.recordLogs();
        send(outer);
        (bool success, bytes memory revertData) = outcome();
        vm.assertFalse(success, "the inner bundle");
        vm.assertEq(
            revertData,
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "entered again"
        );
        vm.assertEq(stranger.balance, 0, "paid to the stranger");
        assertPhase(newOrder(1), Phase.NONE);
    }

    function testFuzz_anotherSigner(uint256 key) public {
        key = bound(key, 1, type(uint128).max);
        vm.assume(key != SPONSOR_KEY);
        PackedUserOperation memory op = _op();
        sponsor(op, AFTER, UNTIL, key);
        _refused(op, "AA34 signature error");
    }

    function testFuzz_noSignature(bytes32 r, bytes32 s, uint8 v) public {
        PackedUserOperation memory op = _op();
        sponsor(op);
        op.paymasterAndData = abi.encodePacked(_first(op.paymasterAndData, 64), r, s, v);
        _refused(op, "AA34 signature error");
    }

    function test_altered() public {
        for (uint256 field = 0; field < 8; ++field) {
            PackedUserOperation memory op = _op();
            sponsor(op);
            if (field == 0) op.nonce = entryPoint.getNonce(op.sender, 7);
            if (field == 1) op.callData = abi.encodePacked(op.callData, bytes1(0));
            if (field == 2) op.accountGasLimits = pack(300_001, 500_000);
            if (field == 3) op.accountGasLimits = pack(300_000, 500_001);
            if (field == 4) op.preVerificationGas += 1;
            if (field == 5) op.gasFees = pack(1 gwei, 2 gwei + 1);
            if (field == 6) op.gasFees = pack(1 gwei + 1, 2 gwei);
            if (field == 7) (op.sender, op.nonce) = (address(provider), entryPoint.getNonce(address(provider), 1));
            signOp(op, field == 7 ? PROVIDER_KEY : REQUESTER_KEY);
            vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA34 signature error"));
            send(op);
        }
    }

    /// @dev Paymaster's gas limits (bytes 20 to 51), window (52 to 63), signature (64 to 128).
    function testFuzz_alteredPaymasterData(uint256 position, uint8 value) public {
        PackedUserOperation memory op = _op();
        sponsor(op);
        position = bound(position, 20, 128);
        vm.assume(uint8(op.paymasterAndData[position]) != value);
        op.paymasterAndData[position] = bytes1(value);
        signOp(op, REQUESTER_KEY);
        // One error or the other (gas, deposit, time, signature): it never passes.
        vm.expectRevert();
        send(op);
    }

    function testFuzz_window(uint48 validAfter, uint48 validUntil) public {
        // EntryPoint v0.8: validAfter < now <= validUntil, and 0 is no end.
        validAfter = uint48(bound(validAfter, START - 1000, START + 1000));
        validUntil = uint48(bound(validUntil, START - 1000, START + 1000));
        PackedUserOperation memory op = _op();
        sponsor(op, validAfter, validUntil, SPONSOR_KEY);
        signOp(op, REQUESTER_KEY);
        if (validAfter >= START || validUntil < START) {
            vm.expectRevert(
                abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA32 paymaster expired or not due")
            );
        }
        send(op);
    }

    function test_windowEnds() public {
        PackedUserOperation memory op = _op();
        sponsor(op);
        signOp(op, REQUESTER_KEY);
        vm.warp(uint256(UNTIL) + 1);
        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA32 paymaster expired or not due"));
        send(op);
        vm.warp(UNTIL);
        send(op);
    }

    function testFuzz_otherLengths(bytes calldata tail, uint256 length) public {
        vm.assume(tail.length != 0);
        PackedUserOperation memory op = _op();
        sponsor(op);
        bytes memory whole = op.paymasterAndData;
        op.paymasterAndData = abi.encodePacked(whole, tail);
        _refused(op, "AA34 signature error");
        op.paymasterAndData = _first(whole, bound(length, 52, 128));
        _refused(op, "AA34 signature error");
    }

    /// @dev What could not be read says nothing of a window.
    function test_otherLengthHasNoWindow() public {
        PackedUserOperation memory op = _op();
        sponsor(op);
        op.paymasterAndData = abi.encodePacked(op.paymasterAndData, bytes1(0));
        vm.prank(address(entryPoint));
        (bytes memory context, uint256 validationData) =
            IPaymaster(address(paymaster)).validatePaymasterUserOp(op, bytes32(0), 0);
        vm.assertEq(context.length, 0, "context");
        vm.assertEq(validationData, 1, "failed, from 0 on, without an end");
    }

    function test_suffixOfEntryPointV09() public {
        PackedUserOperation memory op = _op();
        sponsor(op);
        bytes memory unsigned = "somebody's own";
        op.paymasterAndData = abi.encodePacked(
            op.paymasterAndData, unsigned, uint16(unsigned.length), bytes8(keccak256("PaymasterSignature"))
        );
        _refused(op, "AA34 signature error");
    }

    function testFuzz_blockRange(uint48 validAfter, uint48 validUntil, bool both) public {
        // OpenZeppelin marks windows of block numbers with the highest bit, which EntryPoint v0.8 would read as a far time.
        uint48 flag = 1 << 47;
        PackedUserOperation memory op = _op();
        sponsor(op, validAfter | flag, both ? validUntil | flag : validUntil & ~flag, SPONSOR_KEY);
        signOp(op, REQUESTER_KEY);
        vm.expectRevert();
        send(op);
    }

    function test_anotherChain() public {
        PackedUserOperation memory op = _op();
        sponsor(op);
        vm.chainId(block.chainid + 1);
        _refused(op, "AA34 signature error");
    }

    function test_anotherPaymaster() public {
        address other = vm.deployCode("CAPPaymaster.sol:CAPPaymaster", abi.encode(platform, vm.addr(SPONSOR_KEY)));
        CAPPaymaster(payable(other)).deposit{value: 1 ether}();
        // The Owner's operation, because an account refuses its Executor any other paymaster.
        PackedUserOperation memory op = newOp(requester, 0, "");
        sponsor(op);
        for (uint256 i = 0; i < 20; ++i) {
            op.paymasterAndData[i] = bytes20(other)[i];
        }
        signOp(op, OWNER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA34 signature error"));
        send(op);
    }

    function test_depositTooSmall() public {
        uint256 deposit = entryPoint.balanceOf(address(paymaster));
        vm.prank(platform);
        paymaster.withdraw(payable(platform), deposit);
        PackedUserOperation memory op = _op();
        sponsor(op);
        _refused(op, "AA31 paymaster deposit too low");
    }

    function test_servesTheCanonicalEntryPoint() public view {
        vm.assertEq(address(paymaster.entryPoint()), address(entryPoint), "EntryPoint");
    }

    /* MONEY AND KEYS */

    function test_deposit() public {
        uint256 before = entryPoint.balanceOf(address(paymaster));
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        paymaster.deposit{value: 1 ether}();
        vm.assertEq(entryPoint.balanceOf(address(paymaster)), before + 1 ether, "deposit");
        vm.assertEq(address(paymaster).balance, 0, "nothing stays in the paymaster");
    }

    function test_withdraw() public {
        vm.prank(platform);
        paymaster.withdraw(payable(stranger), 1 ether);
        vm.assertEq(stranger.balance, 1 ether, "withdrawn");

        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger));
        vm.prank(stranger);
        paymaster.withdraw(payable(stranger), 1 ether);
    }

    function test_setSigner() public {
        PackedUserOperation memory old = _op();
        sponsor(old);
        vm.expectEmit(address(paymaster));
        emit CAPPaymaster.SignerSet(stranger);
        vm.prank(platform);
        paymaster.setSigner(stranger);
        vm.assertEq(paymaster.signer(), stranger, "signer");

        _refused(old, "AA34 signature error");
        PackedUserOperation memory op = _op();
        sponsor(op, AFTER, UNTIL, STRANGER_KEY);
        _signAndSend(op);
        assertPhase(newOrder(1), Phase.NEGOTIATION);
    }

    function test_logsItsFirstSigner() public {
        vm.recordLogs();
        address other = vm.deployCode("CAPPaymaster.sol:CAPPaymaster", abi.encode(platform, stranger));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        vm.assertEq(last.emitter, other, "emitter");
        vm.assertEq(last.topics[0], CAPPaymaster.SignerSet.selector, "SignerSet");
        vm.assertEq(last.topics[1], bytes32(uint256(uint160(stranger))), "signer");
    }

    function testFuzz_noSigner(bytes32 r, bytes32 s, uint8 v) public {
        vm.prank(platform);
        paymaster.setSigner(address(0));
        PackedUserOperation memory op = _op();
        sponsor(op);
        _refused(op, "AA34 signature error");
        op.paymasterAndData = abi.encodePacked(_first(op.paymasterAndData, 64), r, s, v);
        _refused(op, "AA34 signature error");
    }

    function test_RevertWhen_setSigner_stranger() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger));
        vm.prank(stranger);
        paymaster.setSigner(stranger);
    }

    function test_ownerChangesInTwoSteps() public {
        vm.prank(platform);
        paymaster.transferOwnership(stranger);
        vm.assertEq(paymaster.owner(), platform, "not yet");
        vm.prank(stranger);
        paymaster.acceptOwnership();
        vm.assertEq(paymaster.owner(), stranger, "new owner");
    }

    function testFuzz_nobodyRenounces(address caller) public {
        address[2] memory callers = [platform, caller];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(CAPPaymaster.CannotRenounce.selector);
            vm.prank(callers[i]);
            paymaster.renounceOwnership();
        }
        vm.assertEq(paymaster.owner(), platform, "owner");
    }

    /* HELPERS */

    /// @dev The Executor creates an order; not sponsored or signed yet.
    function _op() private view returns (PackedUserOperation memory) {
        return newOp(requester, 1, abi.encodeCall(requester.executeOrderSteps, (createSteps(newOrder(1)))));
    }

    function _signAndSend(PackedUserOperation memory op) private {
        signOp(op, REQUESTER_KEY);
        send(op);
    }

    function _refused(PackedUserOperation memory op, string memory why) private {
        signOp(op, REQUESTER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, why));
        send(op);
    }

    function _first(bytes memory data, uint256 length) private pure returns (bytes memory cut) {
        cut = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            cut[i] = data[i];
        }
    }
}
