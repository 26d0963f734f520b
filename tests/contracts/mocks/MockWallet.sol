// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice How a MockWallet answers isValidSignature.
enum Answer {
    APPROVED, // the magic value for the hashes it approved, 0xffffffff otherwise
    WRONG, // never the magic value
    REVERTS,
    NOTHING, // returns no data
    SHORT, // only the four bytes of the magic value
    WRITES // tries to change its state first
}

/// @notice An ERC-1271 wallet that consents by listing hashes, and can call anything.
contract MockWallet is IERC1271 {
    mapping(bytes32 hash => bool isApproved) public approved;
    Answer public answer;
    uint256 public written;

    error Refused();

    function setAnswer(Answer next) external {
        answer = next;
    }

    function approveHash(bytes32 hash) external {
        approved[hash] = true;
    }

    function withdrawHash(bytes32 hash) external {
        approved[hash] = false;
    }

    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4 magic) {
        Answer now_ = answer;
        if (now_ == Answer.REVERTS) revert Refused();
        if (now_ == Answer.WRITES) _write();
        if (now_ == Answer.NOTHING) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
        magic = now_ != Answer.WRONG && approved[hash] ? this.isValidSignature.selector : bytes4(0xffffffff);
        if (now_ == Answer.SHORT) {
            assembly ("memory-safe") {
                mstore(0, magic)
                return(0, 4)
            }
        }
    }

    function execute(address target, bytes calldata data) external returns (bytes memory result) {
        bool ok;
        (ok, result) = target.call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }

    /// @dev Solidity lets no view function write; a call to itself does.
    function _write() private view {
        (bool ok,) = address(this).staticcall(abi.encodeCall(this.write, ()));
        if (!ok) revert Refused();
    }

    function write() external {
        written++;
    }
}
