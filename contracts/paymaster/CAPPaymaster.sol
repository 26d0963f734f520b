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
/// `SponsoredOperation(address bundler,bytes32 request)` under this contract's domain (name "CAPPaymaster", version "1"): the EOA that may bundle the
/// operation, and the digest of OpenZeppelin's `UserOperationRequest` under the same domain: the whole operation, its gas limits and the window.
/// @dev For EntryPoint v0.8. The deposit belongs to the owner; a stolen sponsor key can only burn it as gas.
contract CAPPaymaster is PaymasterSigner, SignerECDSA, Ownable2Step {
    /// @dev paymaster 20, gas limits 16 + 16, window 6 + 6, signature 65
    uint256 private constant PAYMASTER_AND_DATA_LENGTH = 129;

    bytes32 private constant SPONSORED_OPERATION_TYPEHASH =
        keccak256("SponsoredOperation(address bundler,bytes32 request)");

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

    /// @dev The EntryPoint pays for an operation's gas to whom its bundler names, and it charges more than a bundle uses: preVerificationGas is that of
    /// a bundle of one, and a tenth of the unused call gas comes on top (Owners' setLimits: 125.5k charged against 72.6k used per operation, in a
    /// bundle of 50). With a sponsorship that anybody could bundle, whoever is given one would pump the deposit into its own pocket, and whoever
    /// copies one from a mempool would void the relayer's bundle (AA25). So it is good in one EOA's transactions only.
    /// That EOA is the transaction's origin: nothing to store, nothing to administer. What is called in the bundler's transaction has its origin too,
    /// but runs inside handleOps, which cannot be entered again. ERC-7562 bans ORIGIN from validation for public mempools; the relayer sends its
    /// bundles itself, without one.
    function _signableUserOpHash(PackedUserOperation calldata userOp, uint48 validAfter, uint48 validUntil)
        internal
        view
        override
        returns (bytes32)
    {
        bytes32 request = super._signableUserOpHash(userOp, validAfter, validUntil);
        // solhint-disable-next-line avoid-tx-origin
        return _hashTypedDataV4(keccak256(abi.encode(SPONSORED_OPERATION_TYPEHASH, tx.origin, request)));
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
