// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice How a MockToken treats transfers.
enum Behaviour {
    HONEST,
    REVERTS,
    RETURNS_NOTHING,
    RETURNS_FALSE, // after moving the balance
    RETURNS_RUBBISH, // 32 bytes that are neither true nor false, after moving the balance
    RETURNS_SHORT, // one byte 0x01, after moving the balance
    LIES, // returns true, moves nothing
    TAKES_FEE, // 1 % of what is moved is burnt
    COSTS_GAS, // uses up gasCost, then transfers
    BURNS_GAS, // uses up all gas
    RETURNS_BOMB, // reverts with 100 kB of data
    REENTERS // makes a call of the test's choice, records its outcome and goes on
}

/// @notice An ERC-20 with a denylist that misbehaves on request.
contract MockToken {
    mapping(address account => uint256 amount) public balanceOf;
    mapping(address owner => mapping(address spender => uint256 amount)) public allowance;
    mapping(address account => bool isDenied) public denied;
    uint256 public totalSupply;

    Behaviour public behaviour;
    address public reentryTarget;
    bytes public reentryCall;
    uint256 public reentries;
    bytes public reentryResult;
    uint256 public gasCost;

    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    error Denied(address account);
    error Misbehaved();

    function setBehaviour(Behaviour next) external {
        behaviour = next;
    }

    function setDenied(address account, bool isDenied) external {
        denied[account] = isDenied;
    }

    /// @notice From now on every transfer calls `target` with `data`.
    function reenter(address target, bytes calldata data) external {
        (behaviour, reentryTarget, reentryCall) = (Behaviour.REENTERS, target, data);
    }

    /// @notice From now on every transfer uses up about `cost` gas.
    function charge(uint256 cost) external {
        (behaviour, gasCost) = (Behaviour.COSTS_GAS, cost);
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
        totalSupply += amount;
        emit Transfer(address(0), to, amount);
    }

    function burn(address from, uint256 amount) external {
        balanceOf[from] -= amount;
        totalSupply -= amount;
        emit Transfer(from, address(0), amount);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _transfer(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        _transfer(from, to, amount);
    }

    /// @dev Ends the call itself, to return whatever the behaviour demands.
    function _transfer(address from, address to, uint256 amount) internal {
        uint256 gasAtStart = gasleft();
        if (denied[from]) revert Denied(from);
        if (denied[to]) revert Denied(to);
        Behaviour now_ = behaviour;
        if (now_ == Behaviour.REVERTS) revert Misbehaved();
        if (now_ == Behaviour.BURNS_GAS) while (true) {}
        if (now_ == Behaviour.COSTS_GAS) while (gasAtStart - gasleft() < gasCost) {}
        if (now_ == Behaviour.RETURNS_BOMB) {
            assembly ("memory-safe") {
                revert(mload(0x40), 100000)
            }
        }
        if (now_ == Behaviour.REENTERS) {
            (bool ok, bytes memory result) = reentryTarget.call(reentryCall);
            reentries++;
            reentryResult = ok ? bytes("succeeded") : result;
        }
        if (now_ != Behaviour.LIES) {
            uint256 lost = now_ == Behaviour.TAKES_FEE ? (amount + 99) / 100 : 0;
            balanceOf[from] -= amount;
            balanceOf[to] += amount - lost;
            totalSupply -= lost;
            emit Transfer(from, to, amount - lost);
        }
        if (now_ == Behaviour.RETURNS_NOTHING) _return(0, 0);
        if (now_ == Behaviour.RETURNS_FALSE) _return(0, 32);
        if (now_ == Behaviour.RETURNS_RUBBISH) _return(2, 32);
        if (now_ == Behaviour.RETURNS_SHORT) _return(1 << 248, 1);
        _return(1, 32);
    }

    function _return(uint256 word, uint256 size) private pure {
        assembly ("memory-safe") {
            mstore(0, word)
            return(0, size)
        }
    }
}
