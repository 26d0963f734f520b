// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The one call of EIP-3009 that the vault makes, in the form that takes a signature as bytes
interface IERC3009 {
    /// @notice Moves `value` from `from` to `to`, who must be the caller, by what `from` signed.
    /// @param validAfter The authorization is valid when now > validAfter (unix seconds).
    /// @param validBefore The authorization is valid when now < validBefore (unix seconds).
    /// @param nonce Chosen by `from`; used up by the transfer.
    /// @param signature EIP-712 signature of `from`, ECDSA or ERC-1271.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external;
}
