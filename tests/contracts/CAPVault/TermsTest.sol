// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {OrderHash} from "../../../contracts/libraries/OrderHash.sol";
import {Vm} from "../Vm.sol";
import {VaultTest} from "./VaultTest.sol";

/// @notice The term rules, and the log, of each call that creates an order: what a call is, the inheriting contract says.
abstract contract TermsTest is VaultTest {
    uint256 private constant ORDER_SIZE = 448;

    /// @dev Who makes the call, and the call itself, with all consents to `orderId` and `encoded` in the order's place.
    function creation(Order memory order, bytes32 orderId, bytes memory encoded)
        internal
        virtual
        returns (address caller, bytes memory data);

    /* ADDRESSES */

    function testFuzz_terms_token(Order memory seed) public {
        Order memory order = anyOrder(seed);
        order.token = address(0);
        expectInvalid(order, "token");
        order.token = address(vault);
        expectInvalid(order, "token");
    }

    function testFuzz_terms_requester(Order memory seed) public {
        Order memory order = anyOrder(seed);
        address[3] memory forbidden = [address(0), address(vault), address(token)];
        for (uint256 i; i < forbidden.length; ++i) {
            order.requester = forbidden[i];
            expectInvalid(order, "requester");
        }
    }

    function testFuzz_terms_provider(Order memory seed) public {
        Order memory order = anyOrder(seed);
        address[4] memory forbidden = [address(0), address(vault), address(token), order.requester];
        for (uint256 i; i < forbidden.length; ++i) {
            order.provider = forbidden[i];
            expectInvalid(order, "provider");
        }
    }

    function testFuzz_terms_arbiter(Order memory seed) public {
        Order memory order = reviewedOrder(seed);
        address[4] memory forbidden = [address(vault), address(token), order.requester, order.provider];
        for (uint256 i; i < forbidden.length; ++i) {
            order.arbiter = forbidden[i];
            expectInvalid(order, "arbiter");
        }
    }

    function testFuzz_terms_approver(Order memory seed) public {
        Order memory order = gatedOrder(seed);
        address[4] memory forbidden = [address(vault), address(token), order.requester, order.provider];
        for (uint256 i; i < forbidden.length; ++i) {
            order.approver = forbidden[i];
            expectInvalid(order, "approver");
        }
    }

    function testFuzz_terms_commissionTo(Order memory seed) public {
        Order memory order = commissionedOrder(seed);
        order.commissionTo = address(vault);
        expectInvalid(order, "commissionTo");
        order.commissionTo = address(token);
        expectInvalid(order, "commissionTo");
    }

    /// @dev Nobody is forbidden to judge and to approve, and anybody may get a commission.
    function testFuzz_terms_oneAccountInManyRoles(Order memory seed, uint256 which) public {
        Order memory order = reviewedOrder(commissionedOrder(seed));
        (order.approver, order.arbiter) = (stranger, stranger);
        address[6] memory payees = [requester, provider, stranger, treasury, owner, address(this)];
        order.commissionTo = payees[bound(which, 0, 5)];
        order.commissionBps = 1;
        expectCreated(order);
    }

    /* NUMBERS */

    function testFuzz_terms_amount(Order memory seed, bool most) public {
        Order memory order = anyOrder(seed);
        order.amount = 0;
        expectInvalid(order, "amount");
        order.amount = most ? type(uint120).max : 1;
        expectCreated(order);
    }

    function testFuzz_terms_payDeadline(Order memory seed, uint40 payDeadline) public {
        Order memory order = anyOrder(seed);
        order.payDeadline = uint40(bound(payDeadline, START + 30 days + 1, type(uint40).max));
        expectInvalid(order, "payDeadline");
        order.payDeadline = uint40(START + 30 days + 1);
        expectInvalid(order, "payDeadline");
        order.payDeadline = uint40(START + 30 days);
        expectCreated(order);
    }

    function testFuzz_terms_slaSeconds(Order memory seed, uint32 slaSeconds, bool most) public {
        Order memory order = anyOrder(seed);
        uint256[4] memory forbidden =
            [bound(slaSeconds, 0, 299), 299, bound(slaSeconds, 365 days + 1, type(uint32).max), 365 days + 1];
        for (uint256 i; i < forbidden.length; ++i) {
            order.slaSeconds = uint32(forbidden[i]);
            expectInvalid(order, "slaSeconds");
        }
        order.slaSeconds = most ? 365 days : 300;
        expectCreated(order);
    }

    function testFuzz_terms_reviewSeconds(Order memory seed, uint32 reviewSeconds, bool most) public {
        Order memory order = reviewedOrder(seed);
        uint256[5] memory forbidden =
            [0, bound(reviewSeconds, 0, 299), 299, bound(reviewSeconds, 30 days + 1, type(uint32).max), 30 days + 1];
        for (uint256 i; i < forbidden.length; ++i) {
            order.reviewSeconds = uint32(forbidden[i]);
            expectInvalid(order, "reviewSeconds");
        }
        order.reviewSeconds = most ? 30 days : 300;
        expectCreated(order);
    }

    function testFuzz_terms_reviewNeedsAnArbiter(Order memory seed, uint32 reviewSeconds) public {
        Order memory order = unreviewedOrder(seed);
        order.reviewSeconds = uint32(bound(reviewSeconds, 1, type(uint32).max));
        expectInvalid(order, "reviewSeconds");
        order.reviewSeconds = 300;
        expectInvalid(order, "reviewSeconds");
        order.reviewSeconds = 0;
        expectCreated(order);
    }

    function testFuzz_terms_commissionBps(Order memory seed, uint16 commissionBps, bool most) public {
        Order memory order = commissionedOrder(seed);
        uint16 max = 5000 - order.feeBps;
        uint256[4] memory forbidden = [0, bound(commissionBps, max + 1, type(uint16).max), max + 1, type(uint16).max];
        for (uint256 i; i < forbidden.length; ++i) {
            order.commissionBps = uint16(forbidden[i]);
            expectInvalid(order, "commissionBps");
        }
        order.commissionBps = most ? max : 1;
        expectCreated(order);
    }

    function testFuzz_terms_commissionNeedsAPayee(Order memory seed, uint16 commissionBps) public {
        Order memory order = anyOrder(seed);
        order.commissionTo = address(0);
        order.commissionBps = uint16(bound(commissionBps, 1, type(uint16).max));
        expectInvalid(order, "commissionBps");
        order.commissionBps = 1;
        expectInvalid(order, "commissionBps");
        order.commissionBps = 0;
        expectCreated(order);
    }

    /* TOKEN */

    function testFuzz_terms_tokenDisabled(Order memory seed) public {
        Order memory order = anyOrder(seed);
        disableToken();
        expectRefused(order, abi.encodeWithSelector(ICAPVault.TokenDisabled.selector, token));
    }

    function testFuzz_terms_unknownToken(Order memory seed, address unknown) public {
        Order memory order = anyOrder(seed);
        address[8] memory known =
            [address(0), address(vault), address(token), requester, provider, arbiter, approver, commissionTo];
        for (uint256 i; i < known.length; ++i) {
            vm.assume(unknown != known[i]);
        }
        order.token = unknown;
        expectRefused(order, abi.encodeWithSelector(ICAPVault.TokenDisabled.selector, unknown));
    }

    function testFuzz_terms_fee(Order memory seed, uint16 feeBps, uint16 minFeeBps) public {
        Order memory order = anyOrder(seed);
        (order.commissionTo, order.commissionBps) = (address(0), 0); // with a commission, fees of 5000 and more are terms' affair
        uint256 min = bound(minFeeBps, 1, 1000);
        vm.prank(owner);
        vault.setToken(address(token), true, uint16(min));
        uint256[4] memory forbidden = [bound(feeBps, 0, min - 1), min - 1, bound(feeBps, 1001, type(uint16).max), 1001];
        for (uint256 i; i < forbidden.length; ++i) {
            order.feeBps = uint16(forbidden[i]);
            expectRefused(
                order, abi.encodeWithSelector(ICAPVault.FeeOutOfRange.selector, forbidden[i], min, uint256(1000))
            );
        }
        order.feeBps = uint16(min);
        expectCreated(order);
        order.feeBps = 1000;
        order.salt ^= 1;
        expectCreated(order);
    }

    function testFuzz_terms_noMinimumAllowsNoFee(Order memory seed) public {
        Order memory order = anyOrder(seed);
        vm.prank(owner);
        vault.setToken(address(token), true, 0);
        order.feeBps = 0;
        expectCreated(order);
    }

    /* THE ORDER AS BYTES */

    function testFuzz_terms_dirtyUpperBits(Order memory seed, uint256 dirt) public {
        Order memory order = anyOrder(seed);
        uint8[14] memory bits = [160, 160, 160, 160, 160, 160, 120, 16, 16, 40, 32, 32, 0, 64];
        for (uint256 i; i < 14; ++i) {
            if (bits[i] == 0) continue; // termsHash fills its word
            bytes memory encoded = abi.encode(order);
            uint256 high = bound(dirt, 1, type(uint256).max >> bits[i]) << bits[i];
            assembly ("memory-safe") {
                let member := add(add(encoded, 0x20), mul(i, 0x20))
                mstore(member, or(mload(member), high))
            }
            bytes32 dirtyId = hashEncoded(encoded);
            (bool ok, bytes memory reason) = send(order, dirtyId, encoded);
            vm.assertFalse(ok, "created");
            vm.assertEq(reason, "", "refused by the decoder");
            assertPhase(dirtyId, Phase.NONE);
        }
        // The same assembly of the call, clean, is accepted: it was the dirt that was refused.
        expectCreated(order);
    }

    /// @dev The log has exactly the signed words: who hashes its data gets the orderId.
    function testFuzz_terms_logIsTheOrder(Order memory seed) public {
        Order memory order = anyOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        (address caller, bytes memory data) = creation(order, orderId, abi.encode(order));
        vm.recordLogs();
        vm.prank(caller);
        (bool ok, bytes memory returned) = address(vault).call(data);
        vm.assertTrue(ok, "created");
        vm.assertEq(returned, abi.encode(orderId), "orderId");

        Vm.Log memory log = vm.getRecordedLogs()[0];
        vm.assertEq(log.emitter, address(vault), "emitter");
        vm.assertEq(log.topics.length, 4, "topics");
        vm.assertEq(log.topics[0], ICAPVault.OrderCreated.selector, "event");
        vm.assertEq(log.topics[1], orderId, "orderId");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(requester))), "requester");
        vm.assertEq(log.topics[3], bytes32(uint256(uint160(provider))), "provider");
        vm.assertEq(log.data, abi.encode(order), "data");
        vm.assertEq(hashEncoded(log.data), orderId, "hash of the data");
    }

    /* HELPERS */

    function expectInvalid(Order memory order, string memory field) internal {
        expectRefused(order, abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, field));
    }

    function expectRefused(Order memory order, bytes memory expected) internal {
        bytes32 orderId = vault.hashOrder(order);
        (bool ok, bytes memory reason) = send(order, orderId, abi.encode(order));
        vm.assertFalse(ok, "created");
        vm.assertEq(reason, expected, "error");
        assertPhase(orderId, Phase.NONE);
    }

    function expectCreated(Order memory order) internal {
        bytes32 orderId = vault.hashOrder(order);
        (bool ok,) = send(order, orderId, abi.encode(order));
        vm.assertTrue(ok, "refused");
        (Phase phase,,, uint40 since,) = vault.orderState(orderId);
        vm.assertTrue(phase == Phase.NEGOTIATION || phase == Phase.LOCK, "phase");
        vm.assertEq(since, vm.getBlockTimestamp(), "since");
    }

    function send(Order memory order, bytes32 orderId, bytes memory encoded)
        internal
        returns (bool ok, bytes memory result)
    {
        (address caller, bytes memory data) = creation(order, orderId, encoded);
        vm.prank(caller);
        (ok, result) = address(vault).call(data);
    }

    /// @dev A call with the order's bytes as they are, and `tail`: the ABI encoding of the `count` byte strings that follow it.
    function assemble(bytes4 selector, bytes memory encoded, bytes memory tail, uint256 count)
        internal
        pure
        returns (bytes memory)
    {
        // abi.encode counts offsets from its own start; in the call the order comes before.
        for (uint256 i = 1; i <= count; ++i) {
            assembly ("memory-safe") {
                let offset := add(tail, mul(i, 0x20))
                mstore(offset, add(mload(offset), ORDER_SIZE))
            }
        }
        return abi.encodePacked(selector, encoded, tail);
    }

    /// @dev EIP-712 digest of an order whose bytes may be dirty.
    function hashEncoded(bytes memory encoded) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("CAPVault"),
                keccak256("1"),
                block.chainid,
                address(vault)
            )
        );
        bytes32 structHash = keccak256(abi.encodePacked(OrderHash.TYPEHASH, encoded));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
