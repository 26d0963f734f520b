// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {OrderHash} from "../../../contracts/libraries/OrderHash.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {VaultTest} from "./VaultTest.sol";

contract CreateOrderTest is VaultTest {
    /* TERMS */

    function testFuzz_revert_requester(Order memory seed) public {
        Order memory order = validOrder(seed);
        address[3] memory forbidden = [address(0), address(vault), address(token)];
        for (uint256 i; i < forbidden.length; ++i) {
            order.requester = forbidden[i];
            expectInvalid(order, "requester");
        }
    }

    function testFuzz_revert_provider(Order memory seed) public {
        Order memory order = validOrder(seed);
        address[4] memory forbidden = [address(0), address(vault), address(token), order.requester];
        for (uint256 i; i < forbidden.length; ++i) {
            order.provider = forbidden[i];
            expectInvalid(order, "provider");
        }
    }

    function testFuzz_revert_token(Order memory seed) public {
        Order memory order = validOrder(seed);
        order.token = address(0);
        expectInvalid(order, "token");
        order.token = address(vault);
        expectInvalid(order, "token");
    }

    function testFuzz_revert_amount(Order memory seed) public {
        Order memory order = validOrder(seed);
        order.amount = 0;
        expectInvalid(order, "amount");
    }

    function testFuzz_revert_payDeadline(Order memory seed, uint40 payDeadline) public {
        Order memory order = validOrder(seed);
        order.payDeadline = uint40(bound(payDeadline, START + 30 days + 1, type(uint40).max));
        expectInvalid(order, "payDeadline");
    }

    function testFuzz_revert_slaSeconds(Order memory seed, uint32 slaSeconds) public {
        Order memory order = validOrder(seed);
        order.slaSeconds = uint32(bound(slaSeconds, 0, 299));
        expectInvalid(order, "slaSeconds");
        order.slaSeconds = uint32(bound(slaSeconds, 365 days + 1, type(uint32).max));
        expectInvalid(order, "slaSeconds");
    }

    function testFuzz_boundsAreAllowed(Order memory seed, bool most) public {
        Order memory order = validOrder(seed);
        order.amount = most ? type(uint120).max : 1;
        order.payDeadline = uint40(most ? START + 30 days : START);
        order.slaSeconds = most ? 365 days : 300;
        order.feeBps = most ? 1000 : MIN_FEE_BPS;
        assertPhase(create(order), Phase.NEGOTIATION);
    }

    /// @dev Terms are looked at before the phase, the deadline, the signatures and the token, all wrong here.
    function testFuzz_revert_termsBeforeAllElse(Order memory seed) public {
        Order memory order = validOrder(seed);
        disableToken();
        vm.warp(uint256(order.payDeadline) + 1);
        order.amount = 0;
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "amount"));
        vault.createOrder(order, "", "");
    }

    function testFuzz_revert_dirtyUpperBits(Order memory seed, uint256 dirt) public {
        Order memory order = validOrder(seed);
        uint8[14] memory bits = [160, 160, 160, 160, 160, 160, 120, 16, 16, 40, 32, 32, 0, 64];
        for (uint256 i; i < 14; ++i) {
            if (bits[i] == 0) continue; // termsHash fills its word
            bytes memory encoded = abi.encode(order);
            uint256 high = bound(dirt, 1, type(uint256).max >> bits[i]) << bits[i];
            assembly ("memory-safe") {
                let member := add(add(encoded, 0x20), mul(i, 0x20))
                mstore(member, or(mload(member), high))
            }
            bytes32 structHash = keccak256(abi.encodePacked(OrderHash.TYPEHASH, encoded));
            bytes32 dirtyId = MessageHashUtils.toTypedDataHash(domainSeparator(), structHash);
            bytes memory tail = abi.encode(sign(REQUESTER_KEY, dirtyId), sign(PROVIDER_KEY, dirtyId));
            // abi.encode counts the two offsets from its own start; in the call the order's 448 bytes come before.
            assembly ("memory-safe") {
                mstore(add(tail, 0x20), add(mload(add(tail, 0x20)), 448))
                mstore(add(tail, 0x40), add(mload(add(tail, 0x40)), 448))
            }
            (bool ok, bytes memory reason) =
                address(vault).call(abi.encodePacked(ICAPVault.createOrder.selector, encoded, tail));
            vm.assertFalse(ok, "created");
            vm.assertEq(reason, "", "refused by the decoder");
            assertPhase(dirtyId, Phase.NONE);
        }
        // The same assembly of the call, clean, is accepted: it was the dirt that was refused.
        bytes32 orderId = vault.hashOrder(order);
        bytes memory clean = abi.encode(order, sign(REQUESTER_KEY, orderId), sign(PROVIDER_KEY, orderId));
        (bool created,) = address(vault).call(abi.encodePacked(ICAPVault.createOrder.selector, clean));
        vm.assertTrue(created, "clean order");
    }

    /* PHASE AND DEADLINE */

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = validOrder(seed);
        Phase phase = reachablePhase(phaseSeed);
        vm.assume(phase != Phase.NONE);
        bytes32 orderId = bring(order, phase);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vault.createOrder(order, requesterSig, providerSig);
    }

    function testFuzz_deadline(Order memory seed) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);

        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, order.payDeadline));
        vault.createOrder(order, requesterSig, providerSig);

        vm.warp(order.payDeadline);
        vault.createOrder(order, requesterSig, providerSig);
        assertEntered(orderId, Phase.NEGOTIATION, 0);
    }

    /// @dev The deadline comes before signatures and token, signatures before the token.
    function testFuzz_revert_deadlineThenSignaturesThenToken(Order memory seed) public {
        Order memory order = validOrder(seed);
        disableToken();
        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooLate.selector, order.payDeadline));
        vault.createOrder(order, "", "");
        vm.warp(order.payDeadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.BadSignature.selector, requester));
        vault.createOrder(order, "", "");
    }

    /* TOKEN */

    function testFuzz_revert_tokenDisabled(Order memory seed) public {
        Order memory order = validOrder(seed);
        disableToken();
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TokenDisabled.selector, token));
        vault.createOrder(order, requesterSig, providerSig);
    }

    function testFuzz_revert_unknownToken(Order memory seed, address unknown) public {
        vm.assume(
            unknown != address(0) && unknown != address(vault) && unknown != address(token) && unknown != requester
                && unknown != provider
        );
        Order memory order = validOrder(seed);
        order.token = unknown;
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TokenDisabled.selector, unknown));
        vault.createOrder(order, requesterSig, providerSig);
    }

    function testFuzz_revert_fee(Order memory seed, uint16 feeBps, uint16 minFeeBps, bool below) public {
        Order memory order = validOrder(seed);
        minFeeBps = uint16(bound(minFeeBps, 1, 1000));
        vm.prank(owner);
        vault.setToken(address(token), true, minFeeBps);
        order.feeBps = uint16(below ? bound(feeBps, 0, minFeeBps - 1) : bound(feeBps, 1001, type(uint16).max));
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.FeeOutOfRange.selector, order.feeBps, minFeeBps, 1000));
        vault.createOrder(order, requesterSig, providerSig);
    }

    /* SUCCESS */

    function testFuzz_anyoneHoldingBothConsents(Order memory seed, address caller) public {
        Order memory order = validOrder(seed);
        token.mint(requester, order.amount);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);

        vm.expectEmit(address(vault));
        emit ICAPVault.OrderCreated(orderId, requester, provider, order);
        vm.prank(caller);
        bytes32 returned = vault.createOrder(order, requesterSig, providerSig);

        vm.assertEq(returned, orderId, "orderId");
        assertEntered(orderId, Phase.NEGOTIATION, 0);
        vm.assertEq(token.balanceOf(requester), order.amount, "nothing moved");
    }

    function testFuzz_callerNeedsNoSignature(Order memory seed, bool byRequester, bytes calldata ignored) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory other = sign(byRequester ? PROVIDER_KEY : REQUESTER_KEY, orderId);
        vm.prank(byRequester ? requester : provider);
        vault.createOrder(order, byRequester ? ignored : other, byRequester ? other : ignored);
        assertEntered(orderId, Phase.NEGOTIATION, 0);
    }

    /* HELPERS */

    function expectInvalid(Order memory order, string memory field) private {
        bytes32 orderId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, orderId);
        bytes memory providerSig = sign(PROVIDER_KEY, orderId);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, field));
        vault.createOrder(order, requesterSig, providerSig);
        assertPhase(orderId, Phase.NONE);
    }

    function disableToken() private {
        vm.prank(owner);
        vault.setToken(address(token), false, 0);
    }

    function domainSeparator() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("CAPVault"),
                keccak256("1"),
                block.chainid,
                address(vault)
            )
        );
    }
}
