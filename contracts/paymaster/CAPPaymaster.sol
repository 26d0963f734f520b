// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PaymasterSigner} from "@openzeppelin/contracts/account/paymaster/extensions/PaymasterSigner.sol";
import {ERC4337Utils} from "@openzeppelin/contracts/account/utils/ERC4337Utils.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IEntryPoint, PackedUserOperation} from "@openzeppelin/contracts/interfaces/IERC4337.sol";
import {Calldata} from "@openzeppelin/contracts/utils/Calldata.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignerECDSA} from "@openzeppelin/contracts/utils/cryptography/signers/SignerECDSA.sol";

/// @title Pays the gas of operations that the sponsor key signed
/// @notice paymasterData is `uint48 validAfter ‖ uint48 validUntil ‖ signature` (6 + 6 + 65 bytes); the sponsor signs the EIP-712 type
/// `UserOperationRequest` under this contract's domain (name "CAPPaymaster", version "1"): the whole operation, its gas limits and the window.
/// @dev For EntryPoint v0.8. The deposit belongs to the owner; a stolen sponsor key can only burn it as gas.
contract CAPPaymaster is PaymasterSigner, SignerECDSA, Ownable2Step {
    /// @dev paymaster 20, gas limits 16 + 16, window 6 + 6, signature 65
    uint256 private constant PAYMASTER_AND_DATA_LENGTH = 129;

    /// @notice The owner replaced the sponsor key; operations that the previous one signed are refused from now on.
    event SignerSet(address indexed signer);

    /// @notice The paymaster keeps its owner: without one nobody could ever withdraw the deposit or replace a stolen sponsor key.
    error CannotRenounce();

    constructor(address owner_, address signer_) EIP712("CAPPaymaster", "1") SignerECDSA(signer_) Ownable(owner_) {
        emit SignerSet(signer_);
    }

    /// @notice Adds what was sent (wei) to this paymaster's deposit at the EntryPoint. Anyone may.
    function deposit() external payable {
        _deposit(msg.value);
    }

    /// @notice Sends `amount` wei of the deposit to `to`.
    function withdraw(address payable to, uint256 amount) external onlyOwner {
        _withdraw(to, amount);
    }

    /// @notice Replaces the sponsor key; 0 stops sponsoring.
    function setSigner(address newSigner) external onlyOwner {
        _setSigner(newSigner);
        emit SignerSet(newSigner);
    }

    /// @notice Always reverts: ownership can only pass to somebody who accepts it.
    function renounceOwnership() public pure override {
        revert CannotRenounce();
    }

    /// @notice EntryPoint v0.8 at its canonical address.
    function entryPoint() public pure override returns (IEntryPoint) {
        return ERC4337Utils.ENTRYPOINT_V08;
    }

    /// @dev One length only: the base would skip a suffix that EntryPoint v0.9 defines, which the sponsor did not sign and v0.8 does not know.
    function _decodePaymasterUserOp(PackedUserOperation calldata userOp)
        internal
        pure
        override
        returns (uint48 validAfter, uint48 validUntil, bytes calldata signature)
    {
        if (userOp.paymasterAndData.length != PAYMASTER_AND_DATA_LENGTH) return (0, 0, Calldata.emptyBytes());
        return super._decodePaymasterUserOp(userOp);
    }
}
