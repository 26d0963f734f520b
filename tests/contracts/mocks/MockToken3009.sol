// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IERC3009} from "../../../contracts/interfaces/IERC3009.sol";
import {MockToken} from "./MockToken.sol";

/// @notice A MockToken with the call of EIP-3009 that the vault makes, as USDC has it. Its transfers misbehave like the others.
/// @dev OpenZeppelin's extension has the bytes form only with sequential nonces; the vault's nonce is the orderId.
contract MockToken3009 is MockToken, EIP712("Mock token", "2"), IERC3009 {
    bytes32 private constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    mapping(address account => mapping(bytes32 nonce => bool isUsed)) public authorizationState;

    error NotTheRecipient(address caller);
    error OutOfTime(uint256 validAfter, uint256 validBefore);
    error UsedNonce(address account, bytes32 nonce);
    error InvalidSignature();

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external {
        if (msg.sender != to) revert NotTheRecipient(msg.sender);
        if (block.timestamp <= validAfter || block.timestamp >= validBefore) revert OutOfTime(validAfter, validBefore);
        if (authorizationState[from][nonce]) revert UsedNonce(from, nonce);
        bytes32 digest = authorizationDigest(from, to, value, validAfter, validBefore, nonce);
        if (!SignatureChecker.isValidSignatureNow(from, digest, signature)) revert InvalidSignature();
        authorizationState[from][nonce] = true;
        _transfer(from, to, value);
    }

    /// @notice What `from` signs.
    function authorizationDigest(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(RECEIVE_TYPEHASH, from, to, value, validAfter, validBefore, nonce))
        );
    }
}
