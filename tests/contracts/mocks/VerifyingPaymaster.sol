// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PaymasterSigner} from "@openzeppelin/contracts/account/paymaster/extensions/PaymasterSigner.sol";
import {ERC4337Utils} from "@openzeppelin/contracts/account/utils/ERC4337Utils.sol";
import {IEntryPoint} from "@openzeppelin/contracts/interfaces/IERC4337.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignerECDSA} from "@openzeppelin/contracts/utils/cryptography/signers/SignerECDSA.sol";

/// @notice OpenZeppelin's verifying paymaster, with nothing added but the name that CAPPaymaster has too, so that one piece of code signs for both: what
/// benchmarks give a bundler that has none of its own.
contract VerifyingPaymaster is PaymasterSigner, SignerECDSA {
    constructor(address signer_) EIP712("CAPPaymaster", "1") SignerECDSA(signer_) {}

    function entryPoint() public pure override returns (IEntryPoint) {
        return ERC4337Utils.ENTRYPOINT_V08;
    }
}
