// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order} from "../interfaces/ICAPVault.sol";

/// @title EIP-712 struct hash of an order
/// @notice Shared by the vault, which derives the orderId from it, and by accounts that must know which order they consent to.
library OrderHash {
    /// @notice EIP-712 type hash of `Order`.
    bytes32 internal constant TYPEHASH = keccak256(
        "Order(address requester,address provider,address token,address arbiter,address approver,address commissionTo,"
        "uint120 amount,uint16 feeBps,uint16 commissionBps,uint40 payDeadline,uint32 slaSeconds,uint32 reviewSeconds,"
        "bytes32 termsHash,uint64 salt)"
    );

    /// @notice EIP-712 `hashStruct` of `order`.
    /// @dev Every member is one static word, so calldata already is EIP-712's encodeData. The copy does not look for dirty
    /// upper bits: they give a hash that no clean order has, and the vault refuses to create such an order.
    function structHash(Order calldata order) internal pure returns (bytes32 hash) {
        bytes32 typehash = TYPEHASH;
        assembly ("memory-safe") {
            let encoded := mload(0x40)
            mstore(encoded, typehash)
            calldatacopy(add(encoded, 0x20), order, 0x1c0) // 14 members of 32 bytes
            hash := keccak256(encoded, 0x1e0)
        }
    }
}
