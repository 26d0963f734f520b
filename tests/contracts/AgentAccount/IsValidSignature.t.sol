// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CAPVault} from "../../../contracts/CAPVault.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {OrderHash} from "../../../contracts/libraries/OrderHash.sol";
import {AccountTest} from "./AccountTest.sol";

contract IsValidSignatureTest is AccountTest {
    bytes4 private constant VALID = 0x1626ba7e;
    bytes4 private constant INVALID = 0xffffffff;
    string private constant ORDER_TYPE =
        "Order(address requester,address provider,address token,address arbiter,address approver,address commissionTo,uint120 amount,uint16 feeBps,uint16 commissionBps,uint40 payDeadline,uint32 slaSeconds,uint32 reviewSeconds,bytes32 termsHash,uint64 salt)";

    /* EXECUTOR */

    function testFuzz_party(uint80 amount, bytes32 termsHash, uint64 salt) public view {
        Order memory order = newOrder(salt);
        (order.amount, order.termsHash) = (amount, termsHash);
        bytes32 orderId = vault.hashOrder(order);
        _assertValid(requester, orderId, consent(requester, REQUESTER_KEY, order), "requester");
        _assertValid(provider, orderId, consent(provider, PROVIDER_KEY, order), "provider");
    }

    function testFuzz_perOrderLimit(uint120 amount, uint80 perOrder) public {
        Order memory order = newOrder(1);
        order.amount = amount;
        setLimits(requester, address(usdc), perOrder, 0); // what is spent in a day is the payment's matter
        setLimits(provider, address(usdc), 0, 0);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory asRequester = consent(requester, REQUESTER_KEY, order);
        if (amount <= perOrder) _assertValid(requester, orderId, asRequester, "within");
        else _assertInvalid(requester, orderId, asRequester, "above");
        _assertValid(provider, orderId, consent(provider, PROVIDER_KEY, order), "the Provider spends nothing");
    }

    function test_limitOfAnotherToken() public {
        Order memory order = newOrder(1);
        order.token = stranger;
        _assertInvalid(requester, vault.hashOrder(order), consent(requester, REQUESTER_KEY, order), "unset");
        setLimits(requester, stranger, PRICE, 0);
        _assertValid(requester, vault.hashOrder(order), consent(requester, REQUESTER_KEY, order), "set");
    }

    function test_bothConsentsCreateAnOrder() public {
        Order memory order = newOrder(1);
        create(order);
        assertPhase(order, Phase.NEGOTIATION);
    }

    function test_noParty() public {
        AgentAccount twin = newAccount(REQUESTER_KEY, "twin");
        Order memory order = newOrder(1);
        _assertInvalid(twin, vault.hashOrder(order), consent(twin, REQUESTER_KEY, order), "no party");
    }

    function test_bareOrderId() public view {
        Order memory order = newOrder(1);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory signature = sign(REQUESTER_KEY, orderId);
        _assertInvalid(requester, orderId, signature, "bare");
        _assertInvalid(requester, orderId, abi.encode(order, signature), "enclosed");
    }

    function test_signedForAnotherAccount() public {
        AgentAccount twin = newAccount(REQUESTER_KEY, "twin"); // one key, two accounts, one order between them
        Order memory order = newOrder(1);
        order.provider = address(twin);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory forRequester = consent(requester, REQUESTER_KEY, order);
        _assertValid(requester, orderId, forRequester, "requester");
        _assertInvalid(twin, orderId, forRequester, "twin");
    }

    function test_anotherOrder() public view {
        (Order memory order, Order memory other) = (newOrder(1), newOrder(2));
        bytes memory signature = sign(REQUESTER_KEY, requester.consentHash(vault.hashOrder(other)));
        _assertInvalid(requester, vault.hashOrder(order), abi.encode(other, signature), "hash of another order");
        _assertInvalid(requester, vault.hashOrder(order), abi.encode(order, signature), "signature of another order");
    }

    function test_anotherVault() public {
        CAPVault other = CAPVault(vm.deployCode("CAPVault.sol:CAPVault", abi.encode(platform, treasury)));
        Order memory order = newOrder(1);
        bytes32 otherId = other.hashOrder(order);
        bytes memory signature = sign(REQUESTER_KEY, requester.consentHash(otherId));
        _assertInvalid(requester, otherId, abi.encode(order, signature), "another vault's order");
    }

    function test_anotherChain() public {
        Order memory order = newOrder(1);
        bytes memory signature = consent(requester, REQUESTER_KEY, order);
        bytes32 orderId = vault.hashOrder(order);
        vm.chainId(block.chainid + 1);
        _assertInvalid(requester, orderId, signature, "old orderId");
        _assertInvalid(requester, vault.hashOrder(order), signature, "new orderId");
    }

    function test_replacedExecutor() public {
        Order memory order = newOrder(1);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory signature = consent(requester, REQUESTER_KEY, order);

        vm.prank(owner);
        requester.setExecutor(stranger);
        _assertInvalid(requester, orderId, signature, "replaced");
        _assertValid(requester, orderId, consent(requester, STRANGER_KEY, order), "new executor");

        vm.prank(owner);
        requester.setExecutor(address(0));
        _assertInvalid(requester, orderId, consent(requester, STRANGER_KEY, order), "none");
    }

    function testFuzz_noExecutor(bytes32 r, bytes32 s, uint8 v) public {
        vm.prank(owner);
        requester.setExecutor(address(0));
        Order memory order = newOrder(1);
        _assertInvalid(requester, vault.hashOrder(order), abi.encode(order, abi.encodePacked(r, s, v)), "no executor");
    }

    function testFuzz_anotherHash(bytes32 hash) public view {
        // A token's authorization or permit is such a hash: whatever order is enclosed, it is not that order's id.
        Order memory order = newOrder(1);
        vm.assume(hash != vault.hashOrder(order));
        _assertInvalid(requester, hash, sign(REQUESTER_KEY, hash), "bare");
        _assertInvalid(requester, hash, abi.encode(order, sign(REQUESTER_KEY, hash)), "hash");
        _assertInvalid(
            requester, hash, abi.encode(order, sign(REQUESTER_KEY, requester.consentHash(hash))), "consent to hash"
        );
        _assertInvalid(requester, hash, consent(requester, REQUESTER_KEY, order), "consent to the order");
    }

    function testFuzz_signatureOfTheOrderByAnotherKey(uint256 key) public view {
        key = bound(key, 1, type(uint128).max);
        vm.assume(key != REQUESTER_KEY);
        Order memory order = newOrder(1);
        _assertInvalid(requester, vault.hashOrder(order), consent(requester, key, order), "another key");
    }

    /* ENCODING */

    function testFuzz_rubbish(bytes32 hash, bytes calldata signature) public view {
        _assertInvalid(requester, hash, signature, "rubbish");
    }

    function testFuzz_altered(uint256 position, uint8 value) public view {
        Order memory order = newOrder(1);
        bytes memory signature = consent(requester, REQUESTER_KEY, order);
        position = bound(position, 0, 576); // the 31 bytes of padding that follow are free
        vm.assume(uint8(signature[position]) != value);
        signature[position] = bytes1(value);
        _assertInvalid(requester, vault.hashOrder(order), signature, "altered byte");
    }

    function testFuzz_truncated(uint256 length) public view {
        Order memory order = newOrder(1);
        bytes memory signature = consent(requester, REQUESTER_KEY, order);
        length = bound(length, 0, signature.length - 1);
        assembly ("memory-safe") {
            mstore(signature, length)
        }
        _assertInvalid(requester, vault.hashOrder(order), signature, "truncated");
    }

    function test_longer() public view {
        Order memory order = newOrder(1);
        bytes memory signature = consent(requester, REQUESTER_KEY, order);
        _assertInvalid(requester, vault.hashOrder(order), abi.encodePacked(signature, bytes32(0)), "longer");
        signature = abi.encode(order, abi.encodePacked(sign(REQUESTER_KEY, bytes32(0)), hex"00"));
        _assertInvalid(requester, vault.hashOrder(order), signature, "66 bytes");
    }

    function testFuzz_dirtyParty(uint96 dirt) public {
        vm.assume(dirt != 0);
        Order memory order = newOrder(1);
        bytes memory encoded = abi.encode(order);
        assembly ("memory-safe") {
            mstore(add(encoded, 0x20), or(mload(add(encoded, 0x20)), shl(160, dirt)))
        }
        // The id that the vault's hash of these very words gives.
        (, bytes memory orderId) = address(vault).call(abi.encodePacked(vault.hashOrder.selector, encoded));
        bytes32 hash = bytes32(orderId);
        bytes memory signature = sign(REQUESTER_KEY, requester.consentHash(hash));
        _assertInvalid(
            requester, hash, abi.encodePacked(encoded, uint256(480), uint256(65), signature, bytes31(0)), "dirty"
        );
    }

    /* OWNER */

    function test_ownerTypedData() public {
        Order memory order = newOrder(1);
        bytes32 orderId = vault.hashOrder(order);
        bytes memory signature = _ownersTypedData(address(requester), order);
        _assertValid(requester, orderId, signature, "owner");
        _assertInvalid(provider, orderId, signature, "another account of the same owner");

        vault.createOrder(order, signature, _ownersTypedData(address(provider), order));
        assertPhase(order, Phase.NEGOTIATION);
    }

    function testFuzz_ownerPersonalMessage(bytes32 hash) public view {
        bytes memory signature = sign(OWNER_KEY, _personal(address(requester), hash));
        _assertValid(requester, hash, signature, "owner");
        _assertInvalid(provider, hash, signature, "another account of the same owner");
        _assertInvalid(requester, keccak256(abi.encode(hash)), signature, "another message");
        _assertInvalid(
            requester,
            hash,
            sign(REQUESTER_KEY, _personal(address(requester), hash)),
            "executor as if it were the owner"
        );
    }

    function testFuzz_ownerBareSignature(bytes32 hash) public view {
        _assertInvalid(requester, hash, sign(OWNER_KEY, hash), "bare");
        _assertInvalid(requester, hash, sign(OWNER_KEY, requester.consentHash(hash)), "consent");
    }

    function test_announcesERC7739() public view {
        bytes32 probe = 0x7739773977397739773977397739773977397739773977397739773977397739;
        vm.assertEq(bytes32(requester.isValidSignature(probe, "")), bytes32(bytes4(0x77390001)), "ERC-7739");
    }

    /* HELPERS */

    function _assertValid(AgentAccount account, bytes32 hash, bytes memory signature, string memory what) private view {
        vm.assertEq(bytes32(account.isValidSignature(hash, signature)), bytes32(VALID), what);
    }

    function _assertInvalid(AgentAccount account, bytes32 hash, bytes memory signature, string memory what)
        private
        view
    {
        vm.assertEq(bytes32(account.isValidSignature(hash, signature)), bytes32(INVALID), what);
    }

    function _personal(address account, bytes32 hash) private view returns (bytes32) {
        bytes32 message = keccak256(abi.encode(keccak256("PersonalSign(bytes prefixed)"), hash));
        return typedDataHash(domainSeparator("AgentAccount", account), message);
    }

    /// @dev ERC-7739: the Order nested into TypedDataSign with the account's domain, under the vault's domain.
    function _ownersTypedData(address account, Order memory order) private view returns (bytes memory) {
        bytes32 contents = this.structHash(order);
        bytes32 vaultDomain = domainSeparator("CAPVault", address(vault));
        bytes32 nested = keccak256(
            abi.encode(
                keccak256(
                    abi.encodePacked(
                        "TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)",
                        ORDER_TYPE
                    )
                ),
                contents,
                keccak256("AgentAccount"),
                keccak256("1"),
                block.chainid,
                account,
                bytes32(0)
            )
        );
        bytes memory signature = sign(OWNER_KEY, typedDataHash(vaultDomain, nested));
        return abi.encodePacked(signature, vaultDomain, contents, ORDER_TYPE, uint16(bytes(ORDER_TYPE).length));
    }

    function structHash(Order calldata order) external pure returns (bytes32) {
        return OrderHash.structHash(order);
    }
}
