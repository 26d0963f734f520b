// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {Answer, MockWallet} from "../mocks/MockWallet.sol";
import {IVault} from "./IVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract ConsentTest is VaultTest {
    /// @dev Order of secp256k1's group: s and N - s verify alike.
    uint256 private constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /* ECDSA */

    function testFuzz_revert_otherKey(Order memory seed, uint256 key) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        key = bound(key, 1, N - 1);
        vm.assume(key != REQUESTER_KEY && key != PROVIDER_KEY);
        expectBad(order, sign(key, orderId), sign(PROVIDER_KEY, orderId), requester);
        expectBad(order, sign(REQUESTER_KEY, orderId), sign(key, orderId), provider);
    }

    function testFuzz_revert_swapped(Order memory seed) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        expectBad(order, sign(PROVIDER_KEY, orderId), sign(REQUESTER_KEY, orderId), requester);
    }

    function testFuzz_revert_otherTerms(Order memory seed, uint256 member, uint256 by) public {
        Order memory signed = validOrder(seed);
        bytes32 signedId = vault.hashOrder(signed);
        Order memory sent = validOrder(abi.decode(abi.encode(seed), (Order)));
        alter(sent, bound(member, 0, 5), by);
        vm.assume(vault.hashOrder(sent) != signedId);
        expectBad(sent, sign(REQUESTER_KEY, signedId), sign(PROVIDER_KEY, vault.hashOrder(sent)), requester);
        expectBad(sent, sign(REQUESTER_KEY, vault.hashOrder(sent)), sign(PROVIDER_KEY, signedId), provider);
    }

    function testFuzz_revert_otherVault(Order memory seed) public {
        Order memory order = validOrder(seed);
        IVault sibling = deployVault(owner, treasury);
        bytes32 siblingId = sibling.hashOrder(order);
        vm.assertNotEq(siblingId, vault.hashOrder(order), "orderId");
        expectBad(order, sign(REQUESTER_KEY, siblingId), sign(PROVIDER_KEY, siblingId), requester);
    }

    function testFuzz_revert_otherChain(Order memory seed, uint64 chain) public {
        vm.assume(chain != 0 && chain != block.chainid);
        Order memory order = validOrder(seed);
        uint256 home = vm.getChainId(); // block.chainid would be read again after the change
        bytes32 homeId = vault.hashOrder(order);
        bytes memory requesterSig = sign(REQUESTER_KEY, homeId);
        bytes memory providerSig = sign(PROVIDER_KEY, homeId);

        vm.chainId(chain);
        vm.assertNotEq(vault.hashOrder(order), homeId, "orderId");
        expectBad(order, requesterSig, providerSig, requester);
        vm.chainId(home);
        vault.createOrder(order, requesterSig, providerSig);

        vm.chainId(chain);
        bytes32 awayId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, awayId, Phase.NONE));
        vm.prank(requester);
        vault.payOrder(order);
    }

    function testFuzz_revert_malleated(Order memory seed) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(REQUESTER_KEY, orderId);
        bytes memory highS = abi.encodePacked(r, bytes32(N - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.assertEq(ecrecover(orderId, v == 27 ? 28 : 27, r, bytes32(N - uint256(s))), requester, "a valid signature");
        expectBad(order, highS, sign(PROVIDER_KEY, orderId), requester);
    }

    function testFuzz_revert_badV(Order memory seed, uint8 v) public {
        vm.assume(v != 27 && v != 28);
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        (, bytes32 r, bytes32 s) = vm.sign(REQUESTER_KEY, orderId);
        expectBad(order, abi.encodePacked(r, s, v), sign(PROVIDER_KEY, orderId), requester);
    }

    function testFuzz_revert_rubbish(Order memory seed, bytes memory rubbish) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        expectBad(order, rubbish, sign(PROVIDER_KEY, orderId), requester);
        expectBad(order, sign(REQUESTER_KEY, orderId), rubbish, provider);
    }

    function testFuzz_revert_zeroAndLength(Order memory seed) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory good = sign(REQUESTER_KEY, orderId);
        bytes[5] memory bad = [bytes(""), new bytes(65), new bytes(64), bytes.concat(good, hex"00"), cut(good)];
        for (uint256 i; i < bad.length; ++i) {
            expectBad(order, bad[i], sign(PROVIDER_KEY, orderId), requester);
        }
    }

    /* ERC-1271 */

    function testFuzz_wallet(Order memory seed, bytes calldata signature) public {
        Order memory order = validOrder(seed);
        MockWallet wallet = new MockWallet();
        order.provider = address(wallet);
        bytes32 orderId = vault.hashOrder(order);
        wallet.approveHash(orderId);
        vault.createOrder(order, sign(REQUESTER_KEY, orderId), signature);
        assertEntered(orderId, Phase.NEGOTIATION, 0);
    }

    function testFuzz_revert_walletRefuses(Order memory seed, bytes calldata signature, uint256 answer) public {
        Order memory order = validOrder(seed);
        MockWallet wallet = new MockWallet();
        order.requester = address(wallet);
        bytes32 orderId = vault.hashOrder(order);

        // The right hash, but not the right answer; a wallet that writes is stopped by the static call.
        wallet.approveHash(orderId);
        wallet.setAnswer(Answer(bound(answer, uint256(Answer.WRONG), uint256(Answer.WRITES))));
        expectBad(order, signature, sign(PROVIDER_KEY, orderId), address(wallet));
        vm.assertEq(wallet.written(), 0, "state");

        // The right answer, to another hash.
        wallet.setAnswer(Answer.APPROVED);
        order.salt ^= 1;
        orderId = vault.hashOrder(order);
        expectBad(order, signature, sign(PROVIDER_KEY, orderId), address(wallet));
    }

    function testFuzz_walletThatCallsNeedsNoSignature(Order memory seed) public {
        Order memory order = validOrder(seed);
        MockWallet wallet = new MockWallet();
        wallet.setAnswer(Answer.REVERTS);
        order.requester = address(wallet);
        bytes32 orderId = vault.hashOrder(order);
        wallet.execute(
            address(vault), abi.encodeCall(vault.createOrder, (order, bytes(""), sign(PROVIDER_KEY, orderId)))
        );
        assertEntered(orderId, Phase.NEGOTIATION, 0);
    }

    /* EIP-7702 */

    function testFuzz_delegatedEoaSignsAsItself(Order memory seed, uint256 answer) public {
        delegate(requester);
        MockWallet(requester).setAnswer(Answer(bound(answer, 0, uint256(Answer.WRITES))));
        Order memory order = validOrder(seed);
        assertPhase(create(order), Phase.NEGOTIATION);
    }

    function testFuzz_delegatedEoaByItsCode(Order memory seed) public {
        delegate(requester);
        Order memory order = validOrder(seed);
        bytes32 orderId = vault.hashOrder(order);
        expectBad(order, "", sign(PROVIDER_KEY, orderId), requester);
        MockWallet(requester).approveHash(orderId);
        vault.createOrder(order, "", sign(PROVIDER_KEY, orderId));
        assertPhase(orderId, Phase.NEGOTIATION);
    }

    /* HELPERS */

    function expectBad(Order memory order, bytes memory requesterSig, bytes memory providerSig, address party) private {
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.BadSignature.selector, party));
        vault.createOrder(order, requesterSig, providerSig);
    }

    /// @dev Changes one member that may have many values.
    function alter(Order memory order, uint256 member, uint256 by) private pure {
        if (member == 0) order.amount = uint120(bound(by, 1, type(uint120).max));
        if (member == 1) order.feeBps = uint16(bound(by, MIN_FEE_BPS, 1000));
        if (member == 2) order.payDeadline = uint40(bound(by, START, START + 30 days));
        if (member == 3) order.slaSeconds = uint32(bound(by, 300, 365 days));
        if (member == 4) order.termsHash = bytes32(by);
        if (member == 5) order.salt = uint64(bound(by, 0, type(uint64).max));
    }

    function cut(bytes memory signature) private pure returns (bytes memory short) {
        short = new bytes(64);
        for (uint256 i; i < 64; ++i) {
            short[i] = signature[i];
        }
    }

    /// @dev EIP-7702: the account's code is a pointer to a wallet's.
    function delegate(address account) private {
        vm.setEvmVersion("prague");
        vm.etch(account, abi.encodePacked(hex"ef0100", new MockWallet()));
    }
}
