// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order} from "../../contracts/interfaces/ICAPVault.sol";
import {OrderHash} from "../../contracts/libraries/OrderHash.sol";
import {IVault} from "./CAPVault/IVault.sol";
import {VaultTest} from "./CAPVault/VaultTest.sol";

/// @notice The hashes of tests/vectors/vectors.json, which the C# tests check too.
contract VectorsTest is VaultTest {
    string private json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("tests/vectors/vectors.json");
    }

    function test_orders() public {
        uint256 count;
        for (; vm.keyExistsJson(json, pathTo("orders", count, "")); ++count) {
            string memory name = vm.parseJsonString(json, pathTo("orders", count, ".name"));
            Order memory order = readOrder(pathTo("orders", count, ".order"));
            bytes32 structHash = vm.parseJsonBytes32(json, pathTo("orders", count, ".structHash"));
            bytes32 domainSeparator = vm.parseJsonBytes32(json, pathTo("orders", count, ".domainSeparator"));
            bytes32 orderId = vm.parseJsonBytes32(json, pathTo("orders", count, ".orderId"));

            // The vault as it would stand at that address on that chain: its domain is rebuilt there.
            IVault placed = IVault(vm.parseJsonAddress(json, pathTo("orders", count, ".verifyingContract")));
            vm.etch(address(placed), address(vault).code);
            vm.chainId(vm.parseJsonUint(json, pathTo("orders", count, ".chainId")));

            vm.assertEq(this.structHashOf(order), structHash, string.concat(name, ": structHash"));
            vm.assertEq(placed.hashOrder(order), orderId, string.concat(name, ": orderId"));
            vm.assertEq(
                keccak256(abi.encodePacked(hex"1901", domainSeparator, structHash)),
                orderId,
                string.concat(name, ": domainSeparator")
            );
        }
        vm.assertGe(count, 7, "orders in the file");
    }

    function test_deliverables() public view {
        uint256 count;
        for (; vm.keyExistsJson(json, pathTo("deliverables", count, "")); ++count) {
            bytes memory content = bytes(vm.parseJsonString(json, pathTo("deliverables", count, ".content")));
            bytes32 hash = vm.parseJsonBytes32(json, pathTo("deliverables", count, ".deliverableHash"));
            vm.assertEq(keccak256(content), hash, vm.parseJsonString(json, pathTo("deliverables", count, ".name")));
        }
        vm.assertGe(count, 14, "deliverables in the file");
    }

    function structHashOf(Order calldata order) external pure returns (bytes32) {
        return OrderHash.structHash(order);
    }

    function readOrder(string memory path) private view returns (Order memory order) {
        order.requester = vm.parseJsonAddress(json, string.concat(path, ".requester"));
        order.provider = vm.parseJsonAddress(json, string.concat(path, ".provider"));
        order.token = vm.parseJsonAddress(json, string.concat(path, ".token"));
        order.arbiter = vm.parseJsonAddress(json, string.concat(path, ".arbiter"));
        order.approver = vm.parseJsonAddress(json, string.concat(path, ".approver"));
        order.commissionTo = vm.parseJsonAddress(json, string.concat(path, ".commissionTo"));
        order.amount = uint120(vm.parseJsonUint(json, string.concat(path, ".amount")));
        order.feeBps = uint16(vm.parseJsonUint(json, string.concat(path, ".feeBps")));
        order.commissionBps = uint16(vm.parseJsonUint(json, string.concat(path, ".commissionBps")));
        order.payDeadline = uint40(vm.parseJsonUint(json, string.concat(path, ".payDeadline")));
        order.slaSeconds = uint32(vm.parseJsonUint(json, string.concat(path, ".slaSeconds")));
        order.reviewSeconds = uint32(vm.parseJsonUint(json, string.concat(path, ".reviewSeconds")));
        order.termsHash = vm.parseJsonBytes32(json, string.concat(path, ".termsHash"));
        order.salt = uint64(vm.parseJsonUint(json, string.concat(path, ".salt")));
    }

    function pathTo(string memory key, uint256 index, string memory member) private pure returns (string memory) {
        return string.concat(".", key, "[", vm.toString(index), "]", member);
    }
}
