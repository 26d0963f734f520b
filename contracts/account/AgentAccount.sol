// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Account} from "@openzeppelin/contracts/account/Account.sol";
import {ERC4337Utils} from "@openzeppelin/contracts/account/utils/ERC4337Utils.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IEntryPoint, PackedUserOperation} from "@openzeppelin/contracts/interfaces/IERC4337.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ERC7739} from "@openzeppelin/contracts/utils/cryptography/signers/draft-ERC7739.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Call, IAgentAccount, Step} from "../interfaces/IAgentAccount.sol";
import {ICAPVault} from "../interfaces/ICAPVault.sol";

/// @title ERC-4337 wallet of one agent
/// @notice See {IAgentAccount}. Owner and first Executor are ERC-1167 immutable arguments of the clone, so an account is
/// complete from its first block: there is no initializer that somebody else could call.
/// @dev For EntryPoint v0.8. The Owner's operations need an ECDSA key; an Owner that is a contract calls `execute` directly.
contract AgentAccount is IAgentAccount, Account, ERC7739 {
    /// @dev Nonce keys 1..64 belong to the Executor (key = 1 + orderId mod 64), key 0 to the Owner.
    uint256 private constant EXECUTOR_LANES = 64;

    bytes32 private constant ORDER_CONSENT_TYPEHASH = keccak256("OrderConsent(bytes32 orderId)");

    /// @dev Bytes of `abi.encode(Order)`: 14 words.
    uint256 private constant ORDER_LENGTH = 448;
    /// @dev Bytes of `abi.encode(Order, bytes)` with a signature of 65 bytes: order, offset, length, 3 words.
    uint256 private constant CONSENT_LENGTH = ORDER_LENGTH + 160;
    /// @dev Where an Order's words begin in it.
    uint256 private constant TOKEN_OFFSET = 64;
    uint256 private constant AMOUNT_OFFSET = 192;

    /// @inheritdoc IAgentAccount
    address public immutable override vault;

    /// @inheritdoc IAgentAccount
    address public immutable override paymaster;

    /// @dev Once `replaced`, `key` is the Executor; before that, the clone's argument is.
    struct Replacement {
        bool replaced;
        address key;
    }

    Replacement private _executor;

    /// @dev One slot per token, so that a payment writes one. `spent` counts for the UTC day `day` alone; uint16 lasts until the year 2149.
    struct Limits {
        uint80 perOrder;
        uint80 perDay;
        uint80 spent;
        uint16 day;
    }

    mapping(address token => Limits limits) private _limits;

    /// @dev Calls to an address without code succeed and return what memory held: steps would do nothing, and consents be worth nothing.
    constructor(address vault_, address paymaster_) EIP712("AgentAccount", "1") {
        require(vault_.code.length != 0, NotAContract(vault_));
        require(paymaster_.code.length != 0, NotAContract(paymaster_));
        vault = vault_;
        paymaster = paymaster_;
    }

    /* ENTRY FUNCTIONS */

    /// @inheritdoc IAgentAccount
    function execute(Call[] calldata calls) external payable override {
        require(msg.sender == address(entryPoint()) || msg.sender == owner(), Unauthorized(msg.sender));
        for (uint256 i = 0; i < calls.length; ++i) {
            _call(calls[i].target, calls[i].value, calls[i].data);
        }
    }

    /// @inheritdoc IAgentAccount
    function executeOrderSteps(Step[] calldata steps) external override {
        require(msg.sender == address(entryPoint()) || msg.sender == executor(), Unauthorized(msg.sender));
        for (uint256 i = 0; i < steps.length; ++i) {
            Step calldata step = steps[i];
            bool allowed = _isVaultStep(step) || (i + 1 < steps.length && _isApprovalFor(step, steps[i + 1]));
            require(allowed, NotAllowed(step.target, bytes4(step.data)));
            if (_isPayment(step)) _spend(step);
            _call(step.target, 0, step.data);
        }
    }

    /// @inheritdoc IAgentAccount
    function setExecutor(address newExecutor) external override {
        require(msg.sender == address(this) || msg.sender == owner(), Unauthorized(msg.sender));
        _executor = Replacement({replaced: true, key: newExecutor});
        emit ExecutorSet(newExecutor);
    }

    /// @inheritdoc IAgentAccount
    function setLimits(address token, uint80 perOrder, uint80 perDay) external override {
        require(msg.sender == address(this) || msg.sender == owner(), Unauthorized(msg.sender));
        (_limits[token].perOrder, _limits[token].perDay) = (perOrder, perDay);
        emit LimitsSet(token, perOrder, perDay);
    }

    /* VIEWS */

    /// @inheritdoc IAgentAccount
    function owner() public view override returns (address owner_) {
        (owner_,) = _deployedKeys();
    }

    /// @inheritdoc IAgentAccount
    function executor() public view override returns (address executor_) {
        Replacement memory current = _executor;
        if (current.replaced) return current.key;
        (, executor_) = _deployedKeys();
    }

    /// @inheritdoc IAgentAccount
    function limits(address token) public view override returns (uint80 perOrder, uint80 perDay, uint80 spentToday) {
        Limits memory current = _limits[token];
        return (current.perOrder, current.perDay, current.day == _today() ? current.spent : 0);
    }

    /// @inheritdoc IAgentAccount
    function consentHash(bytes32 orderId) public view override returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ORDER_CONSENT_TYPEHASH, orderId)));
    }

    /// @notice ERC-1271: the Executor's consent to one order of this account, or anything that the Owner signed for this account (ERC-7739).
    function isValidSignature(bytes32 hash, bytes calldata signature) public view override returns (bytes4) {
        if (_isExecutorConsent(hash, signature)) return IERC1271.isValidSignature.selector;
        return super.isValidSignature(hash, signature);
    }

    /// @notice EntryPoint v0.8 at its canonical address.
    function entryPoint() public pure override returns (IEntryPoint) {
        return ERC4337Utils.ENTRYPOINT_V08;
    }

    /* SIGNATURES */

    /// @dev Which key signed cannot travel from validation to execution, because a bundle validates all of its operations
    /// before it executes any. So validation ties each key to its own nonce keys, and the Executor to its own entry function.
    /// The Executor needs a paymaster, lest a stolen key burn the account's ETH as gas; and this one, lest it spend the allowance
    /// that the Owner gave to a paymaster that takes tokens.
    function _validateUserOp(PackedUserOperation calldata userOp, bytes32 userOpHash, bytes calldata signature)
        internal
        view
        override
        returns (uint256)
    {
        uint256 lane = userOp.nonce >> 64;
        bool valid = lane == 0
            ? _isSignedBy(owner(), userOpHash, signature)
            : lane <= EXECUTOR_LANES && bytes4(userOp.callData) == this.executeOrderSteps.selector
                && ERC4337Utils.paymaster(userOp) == paymaster && _isSignedBy(executor(), userOpHash, signature);
        return valid ? ERC4337Utils.SIG_VALIDATION_SUCCESS : ERC4337Utils.SIG_VALIDATION_FAILED;
    }

    /// @dev The signer behind ERC-7739 is the Owner.
    function _rawSignatureValidation(bytes32 hash, bytes calldata signature) internal view override returns (bool) {
        return _isSignedBy(owner(), hash, signature);
    }

    /// @dev `signature` must be exactly `abi.encode(order, executorSignature)`. It is read as raw words, so that rubbish gives false and never reverts.
    /// The vault hashes the order, so `hash` can be nothing but its orderId.
    function _isExecutorConsent(bytes32 hash, bytes calldata signature) private view returns (bool) {
        if (
            signature.length != CONSENT_LENGTH || _word(signature, ORDER_LENGTH) != ORDER_LENGTH + 32
                || _word(signature, ORDER_LENGTH + 32) != 65
        ) return false;
        uint256 self = uint160(address(this));
        if (_word(signature, 0) == self) {
            // Dirty upper bits need no check: the vault creates no such order.
            address token = address(uint160(_word(signature, TOKEN_OFFSET)));
            if (_word(signature, AMOUNT_OFFSET) > _limits[token].perOrder) return false;
        } else if (_word(signature, 32) != self) {
            return false;
        }
        (bool success, bytes32 orderId,) = LowLevelCall.staticcallReturn64Bytes(
            vault, abi.encodePacked(ICAPVault.hashOrder.selector, signature[:ORDER_LENGTH])
        );
        return success && orderId == hash
            && _isSignedBy(executor(), consentHash(orderId), signature[ORDER_LENGTH + 64:ORDER_LENGTH + 129]);
    }

    /// @dev False for signer 0: a failed recovery is an error here, never address 0.
    function _isSignedBy(address signer, bytes32 hash, bytes calldata signature) private pure returns (bool) {
        (address recovered, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(hash, signature);
        return err == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /* STEPS */

    function _isVaultStep(Step calldata step) private view returns (bool) {
        if (step.target != vault) return false;
        bytes4 selector = bytes4(step.data);
        return _isPayment(step) || selector == ICAPVault.createOrder.selector
            || selector == ICAPVault.deliverOrder.selector || selector == ICAPVault.releaseOrder.selector
            || selector == ICAPVault.disputeOrder.selector || selector == ICAPVault.rejectOrder.selector
            || selector == ICAPVault.expireOrder.selector
            || (selector == ICAPVault.claim.selector
                && step.data.length == 68
                && _word(step.data, 36) == uint160(address(this)));
    }

    /// @dev A step that debits this account. The order lies in the first words of its arguments.
    function _isPayment(Step calldata step) private view returns (bool) {
        if (step.target != vault || step.data.length < 4 + ORDER_LENGTH) return false;
        bytes4 selector = bytes4(step.data);
        return selector == ICAPVault.payOrder.selector || selector == ICAPVault.createAndPayOrder.selector;
    }

    /// @dev The payment that must follow proves the token (the vault takes only those its owner enabled) and uses the allowance up.
    /// Whole words are compared, so an address with dirty upper bits is refused.
    function _isApprovalFor(Step calldata step, Step calldata payment) private view returns (bool) {
        return bytes4(step.data) == IERC20.approve.selector && step.data.length == 68 && _isPayment(payment)
            && _word(step.data, 4) == uint160(vault) && _word(payment.data, 4 + TOKEN_OFFSET) == uint160(step.target)
            && _word(payment.data, 4 + AMOUNT_OFFSET) == _word(step.data, 36);
    }

    /// @dev Counted before the payment, so that nothing that the token calls finds an amount uncounted.
    function _spend(Step calldata payment) private {
        address token = address(uint160(_word(payment.data, 4 + TOKEN_OFFSET)));
        uint256 amount = _word(payment.data, 4 + AMOUNT_OFFSET);
        (uint80 perOrder, uint80 perDay, uint80 spentToday) = limits(token);
        uint256 left = Math.min(perOrder, Math.saturatingSub(perDay, spentToday));
        require(amount <= left, LimitExceeded(token, amount, left));
        // Safe: spentToday + amount <= perDay.
        // forge-lint: disable-next-line(unsafe-typecast)
        (_limits[token].spent, _limits[token].day) = (spentToday + uint80(amount), _today());
    }

    /* HELPERS */

    /// @dev The UTC day. Safe: fits until the year 2149.
    function _today() private view returns (uint16) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint16(block.timestamp / 1 days);
    }

    /// @dev A failure's revert data goes up unchanged, so that the vault's errors reach whoever reads the operation's outcome.
    function _call(address target, uint256 value, bytes calldata data) private {
        if (!LowLevelCall.callNoReturn(target, value, data)) LowLevelCall.bubbleRevert();
    }

    function _deployedKeys() private view returns (address owner_, address executor_) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (address, address));
    }

    function _word(bytes calldata data, uint256 offset) private pure returns (uint256) {
        return uint256(bytes32(data[offset:offset + 32]));
    }
}
