// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order} from "../../../contracts/interfaces/ICAPVault.sol";
import {MockERC3009} from "../mocks/MockERC3009.sol";
import {MockToken} from "../mocks/MockToken.sol";
import {VaultTest} from "./VaultTest.sol";

/// @notice A vault whose token takes EIP-3009 authorizations, and a Requester who signs them.
abstract contract AuthorizationTest is VaultTest {
    /// @dev What EIP-3009 has the holder sign.
    struct Authorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    function setUp() public virtual override {
        super.setUp();
        useToken(address(new MockERC3009()));
    }

    function useToken(address next) internal {
        token = MockToken(next);
        vm.prank(owner);
        vault.setToken(next, true, MIN_FEE_BPS);
    }

    /// @dev The one authorization that pays `order`.
    function authorizationFor(Order memory order) internal view returns (Authorization memory) {
        return Authorization({
            from: order.requester,
            to: address(vault),
            value: order.amount,
            validAfter: 0,
            validBefore: uint256(order.payDeadline) + 1,
            nonce: vault.hashOrder(order)
        });
    }

    function authorize(Order memory order) internal view returns (bytes memory) {
        return signAuthorization(REQUESTER_KEY, authorizationFor(order));
    }

    function signAuthorization(uint256 key, Authorization memory authorization) internal view returns (bytes memory) {
        bytes32 typehash = keccak256(
            "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, authorization));
        return sign(key, keccak256(abi.encodePacked(hex"1901", tokenDomain(), structHash)));
    }

    function tokenDomain() internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("USD Coin"),
                keccak256("2"),
                block.chainid,
                address(token)
            )
        );
    }
}
