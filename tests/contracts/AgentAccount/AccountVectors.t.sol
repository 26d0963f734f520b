// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {IPaymaster} from "@account-abstraction/contracts/interfaces/IPaymaster.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {AgentAccountFactory} from "../../../contracts/account/AgentAccountFactory.sol";
import {Order} from "../../../contracts/interfaces/ICAPVault.sol";
import {CAPPaymaster} from "../../../contracts/paymaster/CAPPaymaster.sol";
import {AccountTest} from "./AccountTest.sol";

/// @notice The consents and operations of tests/vectors/vectors.json, which the C# tests check too.
contract AccountVectorsTest is AccountTest {
    string private _json;

    function setUp() public override {
        super.setUp();
        _json = vm.readFile("tests/vectors/vectors.json");
    }

    function test_accounts() public {
        uint256 count;
        for (; vm.keyExistsJson(_json, _path("accounts", count, "")); ++count) {
            string memory name = _string("accounts", count, ".name");
            bytes32 orderId = _bytes32("accounts", count, ".orderId");
            bytes32 consentHash = _bytes32("accounts", count, ".consentHash");
            uint256 key = uint256(_bytes32("accounts", count, ".executorKey"));
            AgentAccount account = _placeAccount(count);
            vm.chainId(_uint("accounts", count, ".chainId"));

            vm.assertEq(vm.addr(key), _address("accounts", count, ".executor"), string.concat(name, ": executor"));
            vm.assertEq(account.consentHash(orderId), consentHash, string.concat(name, ": consentHash"));
            vm.assertEq(
                sign(key, consentHash),
                vm.parseJsonBytes(_json, _path("accounts", count, ".signature")),
                string.concat(name, ": signature")
            );
            vm.assertEq(
                bytes32(
                    account.isValidSignature(
                        orderId, vm.parseJsonBytes(_json, _path("accounts", count, ".erc1271Signature"))
                    )
                ),
                bytes32(bytes4(0x1626ba7e)),
                string.concat(name, ": ERC-1271")
            );
        }
        vm.assertGe(count, 6, "accounts in the file");
    }

    function test_userOps() public {
        uint256 count;
        for (; vm.keyExistsJson(_json, _path("userOps", count, "")); ++count) {
            string memory name = _string("userOps", count, ".name");
            PackedUserOperation memory op = _readOp(count);
            bytes32 userOpHash = _bytes32("userOps", count, ".userOpHash");
            IEntryPoint placed = IEntryPoint(_address("userOps", count, ".entryPoint"));
            if (address(placed) != address(entryPoint)) vm.etch(address(placed), address(entryPoint).code);
            vm.chainId(_uint("userOps", count, ".chainId"));

            vm.assertEq(placed.getUserOpHash(op), userOpHash, string.concat(name, ": userOpHash"));
            uint256 key = uint256(_bytes32("userOps", count, ".signerKey"));
            vm.assertEq(vm.addr(key), _address("userOps", count, ".signer"), string.concat(name, ": signer"));
            vm.assertEq(sign(key, userOpHash), op.signature, string.concat(name, ": signature"));
            if (op.paymasterAndData.length != 0) _checkSponsor(name, count, op);
        }
        vm.assertGe(count, 10, "userOps in the file");
    }

    /// @dev The paymaster does not show the hash, but takes no other: one wrong bit of it would fail.
    function _checkSponsor(string memory name, uint256 i, PackedUserOperation memory op) private {
        address signer = _address("userOps", i, ".sponsor.signer");
        bytes32 sponsorHash = _bytes32("userOps", i, ".sponsor.sponsorHash");
        uint256 validAfter = _uint("userOps", i, ".sponsor.validAfter");
        uint256 validUntil = _uint("userOps", i, ".sponsor.validUntil");
        uint256 key = uint256(_bytes32("userOps", i, ".sponsor.key"));
        bytes memory signature = vm.parseJsonBytes(_json, _path("userOps", i, ".sponsor.signature"));
        vm.assertEq(vm.addr(key), signer, string.concat(name, ": sponsor"));
        vm.assertEq(sign(key, sponsorHash), signature, string.concat(name, ": sponsor's signature"));

        CAPPaymaster placed = CAPPaymaster(payable(_address("userOps", i, ".sponsor.paymaster")));
        vm.etch(address(placed), address(paymaster).code);
        for (uint256 slot = 0; slot < 8; ++slot) {
            vm.store(address(placed), bytes32(slot), vm.load(address(paymaster), bytes32(slot)));
        }
        vm.prank(platform);
        placed.setSigner(signer);
        vm.prank(address(entryPoint), _address("userOps", i, ".sponsor.bundler"));
        (bytes memory context, uint256 validationData) =
            IPaymaster(address(placed)).validatePaymasterUserOp(op, bytes32(0), 0);
        vm.assertEq(context, "", string.concat(name, ": no postOp"));
        vm.assertEq(
            validationData, validAfter << 208 | validUntil << 160, string.concat(name, ": window, and no failure")
        );
    }

    /// @dev The vector's account, Executor and vault, at their addresses.
    function _placeAccount(uint256 i) private returns (AgentAccount) {
        address placedVault = _address("accounts", i, ".vault");
        vm.etch(placedVault, address(vault).code);
        AgentAccountFactory itsFactory = AgentAccountFactory(
            vm.deployCode("AgentAccountFactory.sol:AgentAccountFactory", abi.encode(placedVault, paymaster))
        );
        address account = itsFactory.createAccount(owner, _address("accounts", i, ".executor"), bytes32(i));
        address placed = _address("accounts", i, ".account");
        vm.etch(placed, account.code);
        (Order memory order,) =
            abi.decode(vm.parseJsonBytes(_json, _path("accounts", i, ".erc1271Signature")), (Order, bytes));
        setLimits(AgentAccount(payable(placed)), order.token, type(uint80).max, 0);
        return AgentAccount(payable(placed));
    }

    function _readOp(uint256 i) private view returns (PackedUserOperation memory op) {
        op.sender = _address("userOps", i, ".sender");
        op.nonce = _uint("userOps", i, ".nonce");
        op.initCode = vm.parseJsonBytes(_json, _path("userOps", i, ".initCode"));
        op.callData = vm.parseJsonBytes(_json, _path("userOps", i, ".callData"));
        op.accountGasLimits = _bytes32("userOps", i, ".accountGasLimits");
        op.preVerificationGas = _uint("userOps", i, ".preVerificationGas");
        op.gasFees = _bytes32("userOps", i, ".gasFees");
        op.paymasterAndData = vm.parseJsonBytes(_json, _path("userOps", i, ".paymasterAndData"));
        op.signature = vm.parseJsonBytes(_json, _path("userOps", i, ".signature"));
    }

    function _string(string memory key, uint256 i, string memory member) private view returns (string memory) {
        return vm.parseJsonString(_json, _path(key, i, member));
    }

    function _bytes32(string memory key, uint256 i, string memory member) private view returns (bytes32) {
        return vm.parseJsonBytes32(_json, _path(key, i, member));
    }

    function _uint(string memory key, uint256 i, string memory member) private view returns (uint256) {
        return vm.parseJsonUint(_json, _path(key, i, member));
    }

    function _address(string memory key, uint256 i, string memory member) private view returns (address) {
        return vm.parseJsonAddress(_json, _path(key, i, member));
    }

    function _path(string memory key, uint256 i, string memory member) private pure returns (string memory) {
        return string.concat(".", key, "[", vm.toString(i), "]", member);
    }
}
